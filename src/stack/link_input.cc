// SPDX-License-Identifier: BSD-3-Clause
// What is not TCP: ARP (RFC 826), neighbour discovery (RFC 4861), ICMP echo and errors
// (RFC 792, 4443, 1122 3.2.2, 5927).
#include <cstring>

#include "stack/frame_builder.h"
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::stack {

using tcp::Verdict;

namespace {

wire::MacAddress mac_at(const std::uint8_t* p) noexcept { return wire::load_native<wire::MacAddress>(p); }

Buf* arp_frame(const wire::ArpMessage& message, const wire::MacAddress& to, const InterfaceConfig& interface,
               BufPool& bufs) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) return nullptr;
  const wire::EthernetHeader ethernet{to, interface.mac, interface.vlan, wire::kEtherTypeArp};
  frame->len = static_cast<std::uint32_t>(ethernet.write(frame->data));
  frame->len += static_cast<std::uint32_t>(message.write(frame->end()));
  frame->len_total = frame->len;
  return frame;
}

Buf* nd_frame(const wire::NeighborMessage& message, const wire::MacAddress& to, const IpAddress& src,
              const IpAddress& dst, const InterfaceConfig& interface, BufPool& bufs) noexcept {
  Buf* frame = bufs.take();
  if (frame == nullptr) return nullptr;
  wire::FrameHead head{};
  head.dst_mac = to.data();
  head.src_mac = interface.mac.data();
  head.src = &src;
  head.dst = &dst;
  head.vlan = interface.vlan;
  head.protocol = wire::kProtoIcmpv6;
  head.ttl = wire::kNdHopLimit;
  frame->len = static_cast<std::uint32_t>(wire::write_frame_head(frame->data, head, wire::NeighborMessage::kSize));
  frame->len += static_cast<std::uint32_t>(message.write(frame->end(), src, dst));
  frame->len_total = frame->len;
  return frame;
}

}  // namespace

void Stack::send_waiting(std::size_t interface, Buf* list, const wire::MacAddress& mac) noexcept {
  while (list != nullptr) {
    Buf* frame = list;
    list = list->next;
    frame->next = nullptr;
    std::memcpy(frame->data, mac.data(), mac.size());
    enqueue(interface, frame);
  }
}

Verdict Stack::arp_input(const wire::Packet& packet, std::size_t interface) noexcept {
  const auto view = wire::ArpView::parse({packet.payload, packet.payload_len});
  if (!view) return Verdict::kArpBad;
  const std::uint16_t local = addresses_.find(view->target_ip());
  const bool for_us = local != kNoAddress && addresses_[local].interface == interface;
  const IpAddress sender = view->sender_ip();
  const wire::MacAddress mac = view->sender_mac();
  // A sender that is nobody (a probe, RFC 5227), one of ours, off-link or a group is not learned.
  const bool learnable = !sender.is_any() && addresses_.find(sender) == kNoAddress && (mac[0] & 1U) == 0 &&
                         addresses_.on_link(static_cast<std::uint8_t>(interface), sender);
  if (learnable) {
    send_waiting(interface,
                 neighbours_.learn(static_cast<std::uint8_t>(interface), sender, mac,
                                   for_us && view->operation() == wire::kArpRequest, env_.now),
                 mac);
  }
  if (!for_us) return Verdict::kArpNotForUs;
  if (view->operation() != wire::kArpRequest || copies_) return Verdict::kArpHandled;
  const InterfaceConfig& out = config_.interfaces[interface];
  const wire::ArpMessage reply{wire::kArpReply, out.mac, mac, view->target_ip(), sender};
  Buf* frame = arp_frame(reply, mac, out, bufs_);
  if (frame == nullptr) return Verdict::kNoBuffer;
  enqueue(interface, frame);
  return Verdict::kArpHandled;
}

// A request for an entry's address: ARP, or a neighbour solicitation to the solicited-node group.
void Stack::solicit(const Neighbours::Entry& entry) noexcept {
  const InterfaceConfig& out = config_.interfaces[entry.interface];
  std::uint16_t local = kNoAddress;
  for (std::uint16_t i = 0; i < addresses_.size(); ++i) {
    if (addresses_[i].interface != entry.interface || addresses_[i].address.is_v4() != entry.ip.is_v4()) continue;
    if (local == kNoAddress || same_prefix(addresses_[i].address, entry.ip, addresses_[i].prefix_len)) local = i;
  }
  if (local == kNoAddress) return;
  const IpAddress& ours = addresses_[local].address;
  Buf* frame = nullptr;
  if (entry.ip.is_v4()) {
    frame = arp_frame({wire::kArpRequest, out.mac, {}, ours, entry.ip}, wire::kMacBroadcast, out, bufs_);
  } else {
    wire::NeighborMessage message;
    message.target = entry.ip;
    message.mac = out.mac;
    const IpAddress group = wire::solicited_node(entry.ip);
    frame = nd_frame(message, wire::ipv6_multicast_mac(group), ours, group, out, bufs_);
  }
  if (frame != nullptr) enqueue(entry.interface, frame);
}

Verdict Stack::nd_input(const Arrival& arrival, std::size_t interface) noexcept {
  const wire::Packet& packet = arrival.packet;
  const auto view = wire::NeighborView::parse({packet.payload, packet.payload_len});
  // RFC 4861 7.1: anything a router could have forwarded is not from the link.
  if (!view || packet.ttl != wire::kNdHopLimit) return Verdict::kNdIgnored;
  // RFC 6980 5: nor anything that was fragmented.
  if (packet.fragment_header || (arrival.buf->flags & kReassembled) != 0) return Verdict::kNdIgnored;
  const auto port = static_cast<std::uint8_t>(interface);
  if (!view->is_solicitation()) {
    if (view->target_mac() == nullptr) return Verdict::kNdIgnored;
    const wire::MacAddress mac = mac_at(view->target_mac());
    if ((mac[0] & 1U) != 0 || addresses_.find(view->target()) != kNoAddress) return Verdict::kNdIgnored;
    send_waiting(interface, neighbours_.learn(port, view->target(), mac, false, env_.now), mac);
    return Verdict::kNdHandled;
  }
  const std::uint16_t local = addresses_.find(view->target());
  if (local == kNoAddress || addresses_[local].interface != interface) return Verdict::kNdIgnored;
  const bool probe = packet.src.is_any();  // duplicate address detection, RFC 4862
  const wire::MacAddress mac = view->source_mac() != nullptr && !probe ? mac_at(view->source_mac()) : mac_at(packet.l2_src);
  if (!probe && view->source_mac() != nullptr && (mac[0] & 1U) == 0 && addresses_.find(packet.src) == kNoAddress &&
      addresses_.on_link(port, packet.src)) {
    send_waiting(interface, neighbours_.learn(port, packet.src, mac, true, env_.now), mac);
  }
  if (copies_) return Verdict::kNdHandled;
  static constexpr IpAddress kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  const InterfaceConfig& out = config_.interfaces[interface];
  wire::NeighborMessage answer;
  answer.solicitation = false;
  answer.solicited = !probe;
  answer.override_flag = true;
  answer.target = view->target();
  answer.mac = out.mac;
  const IpAddress& to = probe ? kAllNodes : packet.src;
  Buf* frame = nd_frame(answer, probe ? wire::ipv6_multicast_mac(kAllNodes) : mac, view->target(), to, out, bufs_);
  if (frame == nullptr) return Verdict::kNoBuffer;
  enqueue(interface, frame);
  return Verdict::kNdHandled;
}

Verdict Stack::answer_echo(const Arrival& arrival, std::uint16_t local) noexcept {
  const wire::Packet& packet = arrival.packet;
  const InterfaceConfig& out = config_.interfaces[addresses_[local].interface];
  const bool v4 = packet.is_v4();
  // A request that came in fragments; nothing is fragmented here.
  if (packet.payload_len + wire::l3_size(v4) > out.mtu) return Verdict::kIcmpUnhandled;
  if (!icmp_limit_.take(env_.now, rng_)) return Verdict::kIcmpRateLimited;
  Buf* frame = bufs_.take();
  if (frame == nullptr) return Verdict::kNoBuffer;
  static constexpr wire::MacAddress kUnknown{};
  wire::FrameHead head{};
  head.dst_mac = kUnknown.data();
  head.src_mac = out.mac.data();
  head.src = &packet.dst;
  head.dst = &packet.src;
  head.vlan = out.vlan;
  head.protocol = v4 ? wire::kProtoIcmpv4 : wire::kProtoIcmpv6;
  head.ip_id = static_cast<std::uint16_t>(rng_.next());
  const std::size_t head_len = wire::write_frame_head(frame->data, head, static_cast<std::uint16_t>(packet.payload_len));
  frame->len = static_cast<std::uint32_t>(head_len);
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
  send_frame(frame, local, packet.src);
  return Verdict::kIcmpEchoAnswered;
}

// The segment that an ICMP error is about: only a connection that has it in flight listens (RFC 5927 4).
Verdict Stack::icmp_error_input(std::span<const std::uint8_t> inner, bool v4, Errc error, bool hard) noexcept {
  tcp::FlowId flow;
  std::span<const std::uint8_t> segment;
  IpAddress ours;
  if (v4) {
    const auto ip = wire::Ipv4View::parse(inner);
    if (!ip || ip->protocol() != wire::kProtoTcp || ip->fragment_offset() != 0) return Verdict::kIcmpErrorIgnored;
    ours = ip->src();
    flow.remote = ip->dst();
    segment = inner.subspan(ip->header_len());
  } else {
    const auto ip = wire::Ipv6View::parse(inner);
    if (!ip || ip->next_header() != wire::kProtoTcp) return Verdict::kIcmpErrorIgnored;
    ours = ip->src();
    flow.remote = ip->dst();
    segment = inner.subspan(wire::kIpv6Header);
  }
  if (segment.size() < 8) return Verdict::kIcmpErrorIgnored;
  flow.local_addr = addresses_.find(ours);
  if (flow.local_addr == kNoAddress) return Verdict::kIcmpErrorIgnored;
  flow.local_port = wire::load_be16(segment.data());
  flow.remote_port = wire::load_be16(segment.data() + 2);
  const SeqNum seq(wire::load_be32(segment.data() + 4));
  const Handle handle = find(flow);
  if (handle.kind() != Kind::kTcb) return Verdict::kIcmpErrorIgnored;
  tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
  if (!seq.in_window(tcb.snd_una, tcb.snd_nxt - tcb.snd_una)) return Verdict::kIcmpErrorIgnored;
  env_.events = 0;
  tcp::on_icmp_error(tcb, error, hard, env_);
  settle(handle, tcb);
  return Verdict::kIcmpErrorHandled;
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
      if (code == wire::kIcmpv4FragmentationNeeded) return Verdict::kIcmpUnhandled;
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
    case wire::kIcmpv6TimeExceeded:
    case wire::kIcmpv6ParameterProblem: return icmp_error_input(view->body(), false, Errc::kHostUnreachable, false);
    default: return Verdict::kIcmpUnhandled;
  }
}

}  // namespace sluice::stack
