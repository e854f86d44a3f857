// SPDX-License-Identifier: BSD-3-Clause
// What the options of a peer's SYN mean for us, and how timestamps are kept. Pure
// arithmetic, used by the input side of src/tcp only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/internal.h"

namespace sluice::tcp {

// RFC 7323 2.3: a larger shift is taken for 14.
inline constexpr std::uint8_t kMaxWindowShift = 14;
// Smallest MSS that is believed: below it a peer could make us send more header than payload. RFC 9293 knows
// no bound; 64 lets 24 bytes of payload travel beside the longest options. Pinned by TinyMssIsClamped.
inline constexpr std::uint16_t kMinMss = 64;

// Segments that are acknowledged at once when a connection is young: the sender's window grows by ACKs.
inline constexpr std::uint8_t kQuickAcks = 16;

// Flags that both ends have: what the SYN offers, we always do too.
[[nodiscard]] inline std::uint32_t negotiated(const wire::TcpOptions& options) noexcept {
  return (options.has_ts ? kTsOk : 0U) | (options.sack_permitted ? kSackOk : 0U) |
         (options.has_wscale ? kWscaleOk : 0U);
}
// RFC 3168 6.1.1: the flags of a SYN, or of a SYN|ACK, that offer ECN. Both flags on a SYN|ACK are a mirror's.
[[nodiscard]] inline bool offers_ecn(const Segment& segment) noexcept {
  return (segment.flags & (kEce | kCwr)) == (segment.has(kAck) ? kEce : kEce | kCwr);
}
[[nodiscard]] inline std::uint8_t peer_shift(const wire::TcpOptions& options) noexcept {
  return options.has_wscale ? std::min(options.wscale, kMaxWindowShift) : std::uint8_t{0};
}
// RFC 9293 3.7.1 (MUST-15): what holds without an MSS option.
[[nodiscard]] inline std::uint16_t default_mss(const IpAddress& remote) noexcept {
  return remote.is_v4() ? 536 : 1220;
}
// A SYN's window is not scaled; snd_wnd is kept scaled. Never 0 for a window that is open.
[[nodiscard]] inline std::uint16_t scaled_syn_window(std::uint16_t wnd, std::uint8_t shift) noexcept {
  return wnd == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(std::max(wnd >> shift, 1));
}
// In units of 2^15 s, nine hours.
[[nodiscard]] inline std::uint8_t age_clock(Instant now) noexcept {
  return static_cast<std::uint8_t>(now.ms() / 32'768'000);
}
// RFC 7323 5.5: after 24 days TS.Recent says nothing any more; here between 23.9 and 24.3, and the comparison of
// timestamps turns at 24.9. The clock's 8 bits hold 97 days, in which timestamps of milliseconds come round twice.
[[nodiscard]] inline bool ts_recent_outdated(std::uint8_t taken, Instant now) noexcept {
  constexpr std::uint8_t kTwentyFourDays = 24 * 86'400 / 32'768;
  return static_cast<std::uint8_t>(age_clock(now) - taken) > kTwentyFourDays;
}

}  // namespace sluice::tcp
