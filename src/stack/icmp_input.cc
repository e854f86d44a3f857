// SPDX-License-Identifier: BSD-3-Clause
// ICMP: echo, and errors about segments of ours (RFC 792, 4443, 1122 3.2.2, 5927).
#include <cstring>

#include "stack/stack.h"
#include "wire/frame.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

namespace sluice::stack {

using tcp::Verdict;

void Stack::begin_icmp(Buf& frame, const wire::Packet& packet, std::size_t interface, std::size_t len) noexcept {
  const InterfaceConfig& out = config_.interfaces[interface];
  static constexpr wire::MacAddress kUnknown{};
  wire::FrameHead head{};
  head.dst_mac = kUnknown.data();
  head.src_mac = out.mac.data();
  head.src = &packet.dst;
  head.dst = &packet.src;
  head.vlan = out.vlan;
  head.protocol = packet.dst.is_v4() ? wire::kProtoIcmpv4 : wire::kProtoIcmpv6;
  head.ip_id = ip_ids_.next();
  frame.len = static_cast<std::uint32_t>(wire::write_frame_head(frame.data, head, static_cast<std::uint16_t>(len)));
}

Verdict Stack::answer_echo(const Arrival& arrival, std::uint16_t local) noexcept {
  const wire::Packet& packet = arrival.packet;
  const std::size_t interface = addresses_[local].interface;
  const bool v4 = packet.is_v4();
  // A request that came in fragments; nothing is fragmented here.
  if (packet.payload_len + wire::l3_size(v4) > config_.interfaces[interface].mtu) return Verdict::kIcmpUnhandled;
  if (!icmp_limit_.take(env_.now, rng_)) return Verdict::kIcmpRateLimited;
  Buf* frame = bufs_.take();
  if (frame == nullptr) return Verdict::kNoBuffer;
  begin_icmp(*frame, packet, interface, packet.payload_len);
  if (frame->tailroom() < packet.payload_len) {
    bufs_.release(frame);
    return Verdict::kNoBuffer;
  }
  std::uint8_t* message = frame->end();
  std::memcpy(message, packet.payload, packet.payload_len);
  const std::size_t body = packet.payload_len - wire::kIcmpHeader;
  const std::uint32_t rest = wire::load_be32(packet.payload + 4);
  if (v4) {
    wire::Icmpv4Header{wire::kIcmpv4EchoReply, 0, rest}.write(message, body);
  } else {
    wire::Icmpv6Header{wire::kIcmpv6EchoReply, 0, rest}.write(message, body, packet.dst, packet.src);
  }
  frame->len += packet.payload_len;
  frame->len_total = frame->len;
  send_frame(frame, local, packet.src, Neighbours::Asker::kStranger);
  return Verdict::kIcmpEchoAnswered;
}

// The connection that has the segment in flight which an ICMP error quotes: only that one listens (RFC 5927 4).
Handle Stack::find_quoted(std::span<const std::uint8_t> inner, bool v4, std::uint16_t& total_len) noexcept {
  tcp::FlowId flow;
  std::span<const std::uint8_t> segment;
  IpAddress ours;
  if (v4) {
    const auto ip = wire::Ipv4View::parse(inner);
    if (!ip || ip->protocol() != wire::kProtoTcp || ip->fragment_offset() != 0) return kNoHandle;
    ours = ip->src();
    flow.remote = ip->dst();
    total_len = ip->total_len();
    segment = inner.subspan(ip->header_len());
  } else {
    const auto ip = wire::Ipv6View::parse(inner);
    if (!ip || ip->next_header() != wire::kProtoTcp) return kNoHandle;
    ours = ip->src();
    flow.remote = ip->dst();
    segment = inner.subspan(wire::kIpv6Header);
    if (ours.is_v4() || flow.remote.is_v4()) return kNoHandle;  // mapped: would pass for an IPv4 flow
  }
  if (segment.size() < 8) return kNoHandle;
  flow.local_addr = addresses_.find(ours);
  if (flow.local_addr == kNoAddress) return kNoHandle;
  flow.local_port = wire::load_be16(segment.data());
  flow.remote_port = wire::load_be16(segment.data() + 2);
  const SeqNum seq(wire::load_be32(segment.data() + 4));
  const Handle handle = find(flow);
  if (handle.kind() != Kind::kTcb) return kNoHandle;
  const tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
  return seq.in_window(tcb.snd_una, tcb.snd_nxt - tcb.snd_una) ? handle : kNoHandle;
}

Verdict Stack::icmp_error_input(std::span<const std::uint8_t> inner, bool v4, Errc error, bool hard) noexcept {
  std::uint16_t total_len = 0;
  const Handle handle = find_quoted(inner, v4, total_len);
  if (!handle.valid()) return Verdict::kIcmpErrorIgnored;
  tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
  env_.events = 0;
  tcp::on_icmp_error(tcb, error, hard, env_);
  settle(handle, tcb);
  return Verdict::kIcmpErrorHandled;
}

Verdict Stack::too_big_input(std::span<const std::uint8_t> inner, bool v4, std::uint32_t mtu) noexcept {
  std::uint16_t total_len = 0;
  const Handle handle = find_quoted(inner, v4, total_len);
  return handle.valid() ? path_mtu_input(handle, mtu, total_len) : Verdict::kIcmpErrorIgnored;
}

Verdict Stack::icmp4_input(Arrival& arrival, std::size_t interface) noexcept {
  const wire::Packet& packet = arrival.packet;
  const std::uint16_t local = addresses_.find(packet.dst);
  if (packet.l2_group || local == kNoAddress || addresses_[local].interface != interface) return Verdict::kIpNotForUs;
  if (addresses_.find(packet.src) != kNoAddress) return Verdict::kIpSourceOurs;
  const auto view = wire::Icmpv4View::parse({packet.payload, packet.payload_len});
  if (!view) return Verdict::kIcmpv4Bad;
  if (config_.learn_next_hops) [[unlikely]] {
    arrival.flow.local_addr = local;
    learn_next_hop(arrival);
  }
  switch (view->type()) {
    case wire::kIcmpv4EchoRequest: return view->code() == 0 ? answer_echo(arrival, local) : Verdict::kIcmpUnhandled;
    case wire::kIcmpv4Unreachable: {
      const std::uint8_t code = view->code();
      if (code == wire::kIcmpv4FragmentationNeeded) return too_big_input(view->body(), true, view->mtu());
      const bool hard = code == wire::kIcmpv4Protocol || code == wire::kIcmpv4Port;
      return icmp_error_input(view->body(), true, hard ? Errc::kConnectionRefused : Errc::kHostUnreachable, hard);
    }
    case wire::kIcmpv4TimeExceeded:
    case wire::kIcmpv4ParameterProblem: return icmp_error_input(view->body(), true, Errc::kHostUnreachable, false);
    default: return Verdict::kIcmpUnhandled;  // source quench is deprecated (RFC 6633)
  }
}

Verdict Stack::icmp6_input(Arrival& arrival, std::size_t interface) noexcept {
  const wire::Packet& packet = arrival.packet;
  const auto view = wire::Icmpv6View::parse({packet.payload, packet.payload_len});
  if (!view) return Verdict::kIcmpv6Bad;
  const bool nd = view->type() == wire::kIcmpv6NeighborSolicitation || view->type() == wire::kIcmpv6NeighborAdvertisement;
  if (nd) return nd_input(arrival, interface);
  if (view->type() == wire::kIcmpv6RouterAdvertisement) return router_input(arrival, interface);
  if (view->type() == wire::kMldQuery) return mld_input(arrival, interface);
  const std::uint16_t local = addresses_.find(packet.dst);
  if (packet.l2_group || local == kNoAddress || addresses_[local].interface != interface) return Verdict::kIpNotForUs;
  if (addresses_.find(packet.src) != kNoAddress) return Verdict::kIpSourceOurs;
  if (config_.learn_next_hops) [[unlikely]] {
    arrival.flow.local_addr = local;
    learn_next_hop(arrival);
  }
  switch (view->type()) {
    case wire::kIcmpv6EchoRequest: return view->code() == 0 ? answer_echo(arrival, local) : Verdict::kIcmpUnhandled;
    case wire::kIcmpv6Unreachable: {
      const bool hard = view->code() == wire::kIcmpv6Port;
      return icmp_error_input(view->body(), false, hard ? Errc::kConnectionRefused : Errc::kHostUnreachable, hard);
    }
    case wire::kIcmpv6PacketTooBig: return too_big_input(view->body(), false, view->mtu());
    case wire::kIcmpv6TimeExceeded:
    case wire::kIcmpv6ParameterProblem: return icmp_error_input(view->body(), false, Errc::kHostUnreachable, false);
    default: return Verdict::kIcmpUnhandled;
  }
}

}  // namespace sluice::stack
