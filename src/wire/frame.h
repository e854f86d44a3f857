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
// Writes them in front of an IP payload of `payload_len` bytes; returns how many.
std::size_t write_frame_head(std::uint8_t* out, const FrameHead& head, std::uint16_t payload_len) noexcept;

}  // namespace sluice::wire
