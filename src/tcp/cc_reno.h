// SPDX-License-Identifier: BSD-3-Clause
// Reno as RFC 5681 has it, with byte counting (RFC 3465) and validation of a window
// that was not used (RFC 2861's idea). Its slow start and its answer to a timeout
// serve other algorithms too. Pure functions of a connection and values.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/congestion.h"
#include "tcp/tcb.h"

namespace sluice::tcp::reno {

inline constexpr std::uint32_t kCwndMax = 1U << 30U;  // no window is larger (RFC 7323 2.3)

// In slow start: a window that is not used says nothing about the path; the factor leaves room for ACKs that arrive
// while it is being filled.
[[nodiscard]] inline bool window_used(const Tcb& tcb, std::uint32_t flight) noexcept { return flight >= tcb.cwnd / 2; }

// What of a window is sent and acknowledged in a round trip, for segments go whole. Deviation: RFC 3465 2.1 waits for cwnd bytes;
// with all of it a window of four and a half segments would take an eighth longer, which cost 5 % of the goodput at 3 % loss (simulated).
// Pinned by AWindowWithAPartOfASegmentCountsWholeOnes.
[[nodiscard]] inline std::uint32_t whole_segments(std::uint32_t cwnd, std::uint32_t smss) noexcept {
  return cwnd < smss ? smss : cwnd - cwnd % smss;
}

// RFC 3465's L, in segments: how much of what one ACK acknowledges opens the window in the initial slow start. As RFC 9406 4.2, for
// receivers that merge arrivals (GRO) acknowledge ten segments or forty at once: with 2 the window of such a path would hardly grow.
inline constexpr std::uint32_t kInitialL = 8;
// What an ACK opens the window by in the initial slow start, in bytes: L segments at most, and what reports told of or had
// no room for. On a path that reorders SND.UNA moves in jumps of hundreds, and a receiver may put the reports of a
// millisecond into one (Linux's does).
[[nodiscard]] inline std::uint32_t initial_growth(const AckSample& sample, std::uint32_t smss) noexcept {
  return std::min(sample.acked, kInitialL * smss + sample.by_reports);
}

// Outside fast recovery.
void acked(Tcb& tcb, const AckSample& sample) noexcept;
// RFC 5681 3.2 step 2, without inflation.
void loss(Tcb& tcb, std::uint32_t flight) noexcept;
// RFC 5681 3.1
void timeout(Tcb& tcb, std::uint32_t flight, bool first) noexcept;

}  // namespace sluice::tcp::reno
