// SPDX-License-Identifier: BSD-3-Clause
// What the stacks of a dialogue are set to. An input may begin with it: kSetupMark and four bytes. The mark would be a call on a
// connection that cannot be there yet, so inputs without it mean what they always meant, and get the plain setup.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/input.h"
#include "sluice/listener.h"

namespace sluice::fuzz {

inline constexpr std::uint8_t kSetupMark = 0xc6;
inline constexpr std::size_t kSources = 768;  // packet buffers that there are, unless `buffers` says fewer

struct Setup {
  bool chosen = false;  // the input begins with one
  // Of listeners on the fast and the slow port, and of our IPv4 and IPv6 opens.
  std::array<CongestionControl, 2> congestion{CongestionControl::kCubic, CongestionControl::kCubic};
  std::array<bool, 2> pacing{};
  bool ecn = false;
  bool fastopen = false;
  SynCookies cookies = SynCookies::kAuto;
  // Two connections, one half-open, one that began with its SYN, few side blocks and send maps.
  bool few_records = false;
  // Packet buffers in all, and what the stack is told of them, which decides when they are scarce.
  std::size_t buffers = kSources;
  std::size_t buffers_told = kSources;
  bool nodelay = false;
  bool delayed = false;         // acknowledgments may be, from the first segment on
  std::uint16_t mss = 0;
  std::uint32_t rcvbuf = 0;     // 0: the port's
  std::uint32_t sndbuf = 0;
  std::size_t first_bytes = 0;  // of our own opens

  // Of a listener, or of an open of ours.
  [[nodiscard]] SocketOptions listener(bool slow) const;
  [[nodiscard]] SocketOptions open(bool v4) const;
};

// Takes it from the front of `input`, if it is there.
[[nodiscard]] Setup read_setup(Input& input);

}  // namespace sluice::fuzz
