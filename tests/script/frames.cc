// SPDX-License-Identifier: BSD-3-Clause
#include "script/frames.h"

#include <algorithm>
#include <utility>

#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::script {

Frame ip_frame(const Addresses& addresses, std::uint8_t protocol, std::span<const std::uint8_t> payload,
               std::uint8_t ttl) {
  const bool v4 = addresses.dst.is_v4();
  Frame frame(wire::kEthHeader + (v4 ? wire::kIpv4Header : wire::kIpv6Header));
  wire::EthernetHeader{addresses.dst_mac, addresses.src_mac, 0, v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6}.write(
      frame.data());
  const auto len = static_cast<std::uint16_t>(payload.size());
  if (v4) {
    const wire::Ipv4Header header{addresses.src, addresses.dst, len, 0, true, 0, ttl, protocol};
    header.write(frame.data() + wire::kEthHeader);
  } else {
    wire::Ipv6Header{addresses.src, addresses.dst, len, 0, 0, ttl, protocol}.write(frame.data() + wire::kEthHeader);
  }
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Frame icmp_frame(const Addresses& addresses, std::uint8_t type, std::uint8_t code, std::span<const std::uint8_t> body,
                 std::uint32_t rest) {
  Frame message(wire::kIcmpHeader);
  message.insert(message.end(), body.begin(), body.end());
  if (addresses.dst.is_v4()) {
    wire::Icmpv4Header{type, code, rest}.write(message.data(), body.size());
    return ip_frame(addresses, wire::kProtoIcmpv4, message);
  }
  wire::Icmpv6Header{type, code, rest}.write(message.data(), body.size(), addresses.src, addresses.dst);
  return ip_frame(addresses, wire::kProtoIcmpv6, message);
}

Frame arp_frame(const Addresses& addresses, std::uint16_t operation) {
  Frame frame(wire::kEthHeader + wire::kArpMessage);
  wire::EthernetHeader{addresses.dst_mac, addresses.src_mac, 0, wire::kEtherTypeArp}.write(frame.data());
  const auto op = static_cast<wire::ArpOperation>(operation);
  wire::ArpMessage{op, addresses.src_mac, addresses.dst_mac, addresses.src, addresses.dst}.write(frame.data() +
                                                                                               wire::kEthHeader);
  return frame;
}

Frame neighbour_frame(const Addresses& addresses, bool solicitation, const IpAddress& target, std::uint8_t hop_limit) {
  const wire::NeighborMessage neighbor{solicitation, !solicitation, !solicitation, target, addresses.src_mac, !addresses.src.is_any()};
  Frame message(neighbor.size());
  neighbor.write(message.data(), addresses.src, addresses.dst);
  return ip_frame(addresses, wire::kProtoIcmpv6, message, hop_limit);
}

Frame with_ipv4_options(const Frame& frame, std::span<const std::uint8_t> options) {
  Frame out = frame;
  out.insert(out.begin() + 34, options.begin(), options.end());
  out[14] = static_cast<std::uint8_t>(0x45U + options.size() / 4);
  wire::store_be16(&out[16], static_cast<std::uint16_t>(out.size() - 14));
  fix_checksums(out, 34 + options.size());
  return out;
}

Frame with_ipv6_extension(const Frame& frame, std::uint8_t kind, std::span<const std::uint8_t> header) {
  Frame out = frame;
  out.insert(out.begin() + 54, header.begin(), header.end());
  out[54] = out[20];  // what followed the IPv6 header follows this one
  out[20] = kind;
  wire::store_be16(&out[18], static_cast<std::uint16_t>(out.size() - 54));
  return out;
}

Frame fragment_of(const Frame& frame, const Cut& cut) {
  const bool v4 = frame[12] == 0x08;
  const std::size_t head = wire::kEthHeader + (v4 ? wire::kIpv4Header : wire::kIpv6Header);
  Frame out(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(head));
  const auto at = [&](std::size_t offset) { return frame.begin() + static_cast<std::ptrdiff_t>(head + offset); };
  if (v4) {
    wire::store_be16(&out[16], static_cast<std::uint16_t>(wire::kIpv4Header + cut.to - cut.from));
    wire::store_be16(&out[18], static_cast<std::uint16_t>(cut.id));
    wire::store_be16(&out[20], static_cast<std::uint16_t>(cut.from / 8 | (cut.last ? 0 : 0x2000)));
    wire::store_be16(&out[24], 0);
    wire::store_checksum(&out[24], wire::sum_bytes(&out[14], wire::kIpv4Header));
  } else {
    wire::store_be16(&out[18], static_cast<std::uint16_t>(8 + cut.to - cut.from));
    out.resize(head + 8);
    out[head] = std::exchange(out[20], wire::kProtoFragment);
    wire::store_be16(&out[head + 2], static_cast<std::uint16_t>(cut.from | (cut.last ? 0 : 1)));
    wire::store_be32(&out[head + 4], cut.id);
  }
  out.insert(out.end(), at(cut.from), at(cut.to));
  return out;
}

}  // namespace sluice::script
