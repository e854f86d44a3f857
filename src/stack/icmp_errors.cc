// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors from us: about protocols and headers that are not known here, and fragments that cannot be
// (RFC 1122 3.2.2, RFC 4443 2.4, RFC 8200 4, RFC 7112).
#include <algorithm>
#include <cstring>

#include "stack/stack.h"
#include "wire/fragment.h"
#include "wire/frame.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sluice::stack {

namespace {
// Of the packet in question as much as keeps the whole error below what every path takes (RFC 1812 4.3.2.3, 4443 2.4).
constexpr std::size_t kMostV4 = 576;
constexpr std::size_t kMostV6 = 1280;
constexpr std::uint8_t kProtoUdp = 17;
constexpr std::uint8_t kFirstFragmentIncomplete = 3;  // RFC 7112 5
constexpr std::uint8_t kReassemblyTimeExceeded = 1;
constexpr std::size_t kFragmentHeader = 8;

Stack::IcmpError parameter_problem(std::uint8_t code, std::uint16_t pointer) noexcept {
  return {wire::kIcmpv6ParameterProblem, code, pointer};
}

// No error about an error (RFC 1122 3.2.2, RFC 4443 2.4 e), and not about what cannot be told from one.
bool may_be_quoted(const Unfinished& datagram) noexcept {
  const std::span<const std::uint8_t> bytes(datagram.first.buf->data, datagram.len);
  switch (datagram.first.protocol) {
    case wire::kProtoTcp: return true;
    case wire::kProtoIcmpv4: {
      const auto view = wire::Icmpv4View::parse(bytes);
      return view && !view->is_error();
    }
    case wire::kProtoIcmpv6: {
      const auto view = wire::Icmpv6View::parse(bytes);
      return view && !view->is_error();
    }
    default: return false;
  }
}

void write_first_fragment_v4(const Unfinished& datagram, std::uint8_t* out) noexcept {
  const Reassembled& first = datagram.first;
  wire::Ipv4Header{datagram.src, datagram.dst, static_cast<std::uint16_t>(datagram.len), static_cast<std::uint16_t>(datagram.id),
                   false, first.tos, first.ttl, first.protocol}
      .write(out, false);
  out[6] = 0x20;  // more fragments
  wire::store_checksum(out + 10, wire::sum_bytes(std::span<const std::uint8_t>(out, wire::kIpv4Header)));
}

void write_first_fragment_v6(const Unfinished& datagram, std::uint8_t* out) noexcept {
  constexpr std::uint8_t kNextFragment = 44;
  const Reassembled& first = datagram.first;
  wire::Ipv6Header{datagram.src, datagram.dst, static_cast<std::uint16_t>(kFragmentHeader + datagram.len), 0, first.tos, first.ttl,
                   kNextFragment}
      .write(out);
  std::uint8_t* const header = out + wire::kIpv6Header;
  header[0] = first.protocol;
  header[1] = 0;
  wire::store_be16(header + 2, 1);  // more fragments
  wire::store_be32(header + 4, datagram.id);
}
}  // namespace

// Only to who sent a packet to one of our own addresses, from an address that may be answered, and not about his errors.
bool Stack::may_complain(const Arrival& arrival, std::size_t interface, std::uint16_t& local) const noexcept {
  const wire::Packet& packet = arrival.packet;
  const InterfaceConfig& in = config_.interfaces[interface];
  if (packet.l2_group || std::memcmp(arrival.buf->data, in.mac.data(), in.mac.size()) != 0) return false;
  local = addresses_.find(packet.dst);
  if (local == kNoAddress || addresses_[local].interface != interface) return false;
  if (packet.src.is_any() || addresses_.find(packet.src) != kNoAddress || addresses_.is_broadcast(packet.src)) return false;
  if (packet.dst.is_v4()) return true;
  const auto ip = wire::Ipv6View::parse({packet.l3, static_cast<std::size_t>(packet.payload - packet.l3) + packet.payload_len});
  return ip && ip->length_fits() && !wire::carries_icmpv6_error(*ip);
}

void Stack::send_icmp_error(Arrival& arrival, std::size_t interface, const IcmpError& error) noexcept {
  std::uint16_t local = kNoAddress;
  if (!may_complain(arrival, interface, local)) return;
  if (config_.learn_next_hops) [[unlikely]] {
    arrival.flow.local_addr = local;
    learn_next_hop(arrival);
  }
  send_icmp_error(arrival.packet, interface, local, error);
}

void Stack::send_icmp_error(const wire::Packet& packet, std::size_t interface, std::uint16_t local,
                            const IcmpError& error) noexcept {
  if (!icmp_error_limit_.take(env_.now, rng_)) {
    ++stack_counters_.icmp_errors_limited;
    return;
  }
  Buf* frame = bufs_.take();
  if (frame == nullptr) return;
  const bool v4 = packet.dst.is_v4();
  const auto whole = static_cast<std::size_t>(packet.payload - packet.l3) + packet.payload_len;
  const std::size_t most = std::min<std::size_t>(v4 ? kMostV4 : kMostV6, config_.interfaces[interface].mtu);
  const std::size_t quoted = std::min(whole, most - wire::l3_size(v4) - wire::kIcmpHeader);
  begin_icmp(*frame, packet, interface, wire::kIcmpHeader + quoted);
  std::uint8_t* message = frame->end();
  std::memcpy(message + wire::kIcmpHeader, packet.l3, quoted);
  if (v4) {
    wire::Icmpv4Header{error.type, error.code, error.rest}.write(message, quoted);
  } else {
    wire::Icmpv6Header{error.type, error.code, error.rest}.write(message, quoted, packet.dst, packet.src);
  }
  frame->len += static_cast<std::uint32_t>(wire::kIcmpHeader + quoted);
  frame->len_total = frame->len;
  ++stack_counters_.icmp_errors_sent;
  send_frame(frame, local, packet.src, Neighbours::Asker::kStranger);
}

void Stack::complain(Arrival& arrival, std::size_t interface, wire::ParseError reason) noexcept {
  const wire::Packet& packet = arrival.packet;
  const bool udp = packet.ip_protocol == kProtoUdp;
  if (reason == wire::ParseError::kIpv4ProtocolUnknown) {
    const std::uint8_t code = udp ? wire::kIcmpv4Port : wire::kIcmpv4Protocol;
    return send_icmp_error(arrival, interface, {wire::kIcmpv4Unreachable, code, 0});
  }
  if (reason == wire::ParseError::kIpv6NextHeaderUnknown) {
    if (udp) return send_icmp_error(arrival, interface, {wire::kIcmpv6Unreachable, wire::kIcmpv6Port, 0});
    return send_icmp_error(arrival, interface, parameter_problem(wire::kIcmpv6UnknownNextHeader, packet.problem_offset));
  }
  if (reason == wire::ParseError::kIpv6RoutingUnknown) {
    return send_icmp_error(arrival, interface, parameter_problem(wire::kIcmpv6ErroneousField, packet.problem_offset));
  }
  if (reason == wire::ParseError::kIpv6OptionUnknown && packet.problem_action >= 2) {
    return send_icmp_error(arrival, interface, parameter_problem(wire::kIcmpv6UnknownOption, packet.problem_offset));
  }
}

void Stack::complain_of_fragment(Arrival& arrival, std::size_t interface, wire::FragmentCheck check,
                                 std::uint32_t offset) noexcept {
  const std::uint16_t pointer = arrival.packet.problem_offset;
  if (check == wire::FragmentCheck::kUneven || check == wire::FragmentCheck::kTooLong) {
    return send_icmp_error(arrival, interface, parameter_problem(wire::kIcmpv6ErroneousField, pointer));
  }
  if (check == wire::FragmentCheck::kTiny && offset == 0) {
    return send_icmp_error(arrival, interface, parameter_problem(kFirstFragmentIncomplete, pointer));
  }
}

void Stack::give_up_fragments(Instant now) noexcept {
  reassembly_.on_timer(now, [this](const Unfinished& datagram) { complain_of_unfinished(datagram); });
}

// RFC 1122 3.3.2, RFC 8200 4.5. The first fragment's header is written anew, without the options or extension headers
// that it may have had; sender and receiver were looked at when it came.
void Stack::complain_of_unfinished(const Unfinished& datagram) noexcept {
  const std::uint16_t local = addresses_.find(datagram.dst);
  const bool known = local != kNoAddress && !datagram.src.is_any() && !addresses_.is_broadcast(datagram.src);
  if (!known || !may_be_quoted(datagram)) return;
  wire::Packet packet{};
  packet.src = datagram.src;
  packet.dst = datagram.dst;
  packet.payload = datagram.first.buf->data;
  packet.payload_len = datagram.len;
  std::uint8_t* const l3 = packet.payload - (datagram.dst.is_v4() ? wire::kIpv4Header : wire::kIpv6Header + kFragmentHeader);
  packet.l3 = l3;
  if (datagram.dst.is_v4()) {
    write_first_fragment_v4(datagram, l3);
    return send_icmp_error(packet, datagram.interface, local, {wire::kIcmpv4TimeExceeded, kReassemblyTimeExceeded, 0});
  }
  write_first_fragment_v6(datagram, l3);
  send_icmp_error(packet, datagram.interface, local, {wire::kIcmpv6TimeExceeded, kReassemblyTimeExceeded, 0});
}

}  // namespace sluice::stack
