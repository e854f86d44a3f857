// SPDX-License-Identifier: BSD-3-Clause
// What the stack sent, taken apart without src/wire: an independent and strict reader.
// Whatever no frame of ours may ever look like is a defect, said in words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "script/segment.h"
#include "sluice/config.h"
#include "sluice/time.h"

namespace sluice::script {

using Frame = std::vector<std::uint8_t>;

// Numbers are absolute here.
struct Heard {
  Instant at{};
  IpAddress src, dst;
  std::uint16_t src_port = 0, dst_port = 0;
  unsigned flags = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint16_t win = 0;
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> wscale;
  bool sack_permitted = false;
  std::optional<std::uint32_t> tsval, tsecr;
  std::vector<Block> sack;
  std::optional<std::string> fast_open;  // the cookie; empty: one is asked for
  std::string data;
  std::uint32_t flow_label = 0;  // IPv6
  std::uint16_t ip_id = 0;       // IPv4
  unsigned ecn = 0;              // of TOS or traffic class
  unsigned dscp = 0;             // the rest of it
  unsigned ttl = 0;              // or hop limit
};

enum class Ether { kTcp, kArp, kIcmp, kOther };
[[nodiscard]] Ether kind_of(std::span<const std::uint8_t> frame);

// The TCP segment in `frame`; what is wrong with it is appended to `defects`.
[[nodiscard]] Heard hear(std::span<const std::uint8_t> frame, std::string& defects);

// Naive one's complement sum of 16-bit words, folded; a message with its checksum in it gives 0xffff.
[[nodiscard]] std::uint16_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0);
// Of a pseudo-header, as a start for ones_sum(). `l3` is an IPv4 or IPv6 header.
[[nodiscard]] std::uint32_t pseudo(std::span<const std::uint8_t> l3, std::uint8_t protocol, std::uint32_t len);
// Makes the checksums of a hand-made frame right again: IPv4 header, and TCP at `l4` bytes from its start.
void fix_checksums(Frame& frame, std::size_t l4);

}  // namespace sluice::script
