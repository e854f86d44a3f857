// SPDX-License-Identifier: BSD-3-Clause
// Frames for and from the stacks under test.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/seq_num.h"
#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/packet.h"

namespace sluice::fuzz {

using Frame = std::vector<std::uint8_t>;
inline constexpr std::size_t kFrameMax = 1514;
inline constexpr wire::MacAddress kOurMac{0x02, 0, 0, 0, 0, 0x01};
inline constexpr wire::MacAddress kPeerMac{0x02, 0, 0, 0, 0, 0x02};

[[nodiscard]] IpAddress our_address(bool v4) noexcept;
[[nodiscard]] IpAddress peer_address(bool v4) noexcept;

// One segment from the peer; all its checksums are right.
struct Segment {
  bool v4 = true;
  std::uint16_t src_port = 0, dst_port = 0;
  SeqNum seq, ack;
  std::uint8_t flags = 0;
  std::uint16_t window = 0, urgent = 0;
  std::uint8_t tos = 0;               // or traffic class
  std::vector<std::uint8_t> options;  // a multiple of 4 bytes
  std::vector<std::uint8_t> payload;
};
[[nodiscard]] Frame build(const Segment& segment);
// An ICMP error from the peer that quotes `quoted`, a packet from the IP header on.
[[nodiscard]] Frame icmp_error(bool v4, std::uint8_t type, std::uint8_t code, std::uint32_t rest, std::span<const std::uint8_t> quoted);
// Ethernet and IP in front of `payload`.
[[nodiscard]] Frame around(bool v4, std::uint8_t protocol, std::span<const std::uint8_t> payload, std::uint8_t tos = 0);
// Makes IP's and TCP's or ICMP's checksums right, as far as the frame is what it says.
void repair(Frame& frame) noexcept;
// Every frame of ours is well-formed; `frame` must live as long as what is returned is used.
[[nodiscard]] wire::Packet parse_ours(Frame& frame);

// Byte of any stream at a sequence number, so that wherever a byte turns up its place is known.
[[nodiscard]] inline std::uint8_t pattern(SeqNum at) noexcept {
  return static_cast<std::uint8_t>((at.value() * 2654435761U) >> 24U ^ at.value());
}

}  // namespace sluice::fuzz
