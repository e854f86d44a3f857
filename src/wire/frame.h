// SPDX-License-Identifier: BSD-3-Clause
// Everything before the TCP or ICMP header of a frame to transmit, in one go. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::wire {

// The addresses are of one family, which decides between IPv4 and IPv6. Plain pointers so
// that nothing is copied on the way: into the neighbour's entry, the port, the connection.
struct FrameHead {
  const std::uint8_t* dst_mac;
  const std::uint8_t* src_mac;
  const IpAddress* src;
  const IpAddress* dst;
  std::uint32_t flow_label = 0;   // IPv6
  std::uint16_t vlan = 0;         // 0: untagged
  std::uint16_t ip_id = 0;        // IPv4
  std::uint8_t protocol = kProtoTcp;
  std::uint8_t ttl = kDefaultTtl;
  std::uint8_t tos = 0;
  bool dont_fragment = true;      // IPv4
  bool ip_checksum = true;        // false: left 0 for the device (kTxIpCsum)
};

[[nodiscard]] constexpr std::size_t l2_size(std::uint16_t vlan) noexcept {
  return vlan == 0 ? kEthHeader : kEthHeader + kVlanTag;
}
[[nodiscard]] constexpr std::size_t l3_size(bool v4) noexcept { return v4 ? kIpv4Header : kIpv6Header; }
// Bytes that write_frame_head() writes.
[[nodiscard]] inline std::size_t frame_head_size(const FrameHead& head) noexcept {
  return l2_size(head.vlan) + l3_size(head.dst->is_v4());
}
// Writes them in front of an IP payload of `payload_len` bytes; returns how many. Inline, so that what its caller
// leaves at the default costs nothing.
[[gnu::always_inline]] inline std::size_t write_frame_head(std::uint8_t* out, const FrameHead& head,
                                                           std::uint16_t payload_len) noexcept {
  std::uint8_t* p = out;
  const bool v4 = head.dst->is_v4();  // before the first store, which for all the compiler knows may change it
  std::memcpy(p, head.dst_mac, 6);
  std::memcpy(p + 6, head.src_mac, 6);
  p += 12;
  if (head.vlan != 0) [[unlikely]] {
    store_be16(p, kEtherTypeVlan);
    store_be16(p + 2, head.vlan);
    p += kVlanTag;
  }
  store_be16(p, v4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
  p += 2;
  if (v4) {
    p += Ipv4Header{.src = *head.src, .dst = *head.dst, .payload_len = payload_len, .id = head.ip_id,
                    .dont_fragment = head.dont_fragment, .tos = head.tos, .ttl = head.ttl, .protocol = head.protocol}
             .write(p, head.ip_checksum);
  } else {
    p += Ipv6Header{.src = *head.src, .dst = *head.dst, .payload_len = payload_len, .flow_label = head.flow_label,
                    .traffic_class = head.tos, .hop_limit = head.ttl, .next_header = head.protocol}
             .write(p);
  }
  return static_cast<std::size_t>(p - out);
}

}  // namespace sluice::wire
