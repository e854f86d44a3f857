// SPDX-License-Identifier: BSD-3-Clause
// A fragment of an IPv4 or IPv6 datagram, and the checks that need it alone: RFC 791, RFC 8200 4.5,
// RFC 1858 (tiny fragments), RFC 7112 (header chains). No state; any thread.
#pragma once

#include <cstdint>
#include <span>

#include "wire/packet.h"

namespace sluice::wire {

struct IpFragment {
  IpAddress src, dst;
  std::uint32_t id = 0;
  std::uint32_t offset = 0;             // bytes into the datagram's (fragmentable) payload
  std::uint8_t protocol = 0;            // what that payload begins with; of IPv6 only the first fragment's counts
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;
  bool more = false;
  std::span<const std::uint8_t> bytes;  // in the frame

  [[nodiscard]] bool is_v4() const noexcept { return dst.is_v4(); }
  [[nodiscard]] std::uint32_t end() const noexcept { return offset + static_cast<std::uint32_t>(bytes.size()); }
};

enum class FragmentCheck : std::uint8_t {
  kFine,
  kEmpty,            // no bytes
  kUneven,           // more fragments follow, and the length is no multiple of 8
  kTooLong,          // the datagram would exceed 65535 bytes
  kTiny,             // RFC 1858: part of the TCP header is in another fragment; IPv6: part of the header chain
  kProtocolUnknown,  // nothing that is taken here: not worth keeping
};

// The fragment in a Packet for which parse_frame() said kIpv4Fragment or kIpv6Fragment.
// `out.bytes` points into the frame. With kUneven, kTooLong and kTiny of IPv6 packet.problem_offset
// becomes what a Parameter Problem points to (RFC 8200 4.5, RFC 7112 5).
[[nodiscard]] FragmentCheck read_fragment(Packet& packet, IpFragment& out) noexcept;

}  // namespace sluice::wire
