// SPDX-License-Identifier: BSD-3-Clause
// Pacing: what may leave now where congestion control, or the configuration, wants a
// rate beside the window. A bucket of two quanta fills at the rate; what it lacks is
// waited for in t_delack, which any segment that leaves serves as well. Its state is in the
// connection's CongestionState. Pure functions but for those that take an Env.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tcp/env.h"

namespace sluice::tcp::pacing {

// Bytes a microsecond, times 2^16: from 15 bytes/s to 524 Gbit/s.
using Rate = std::uint32_t;
inline constexpr unsigned kRateShift = 16;

[[nodiscard]] constexpr Rate rate_of(std::uint64_t bytes, std::uint32_t us) noexcept {
  return static_cast<Rate>(std::min<std::uint64_t>((bytes << kRateShift) / std::max(us, 1U), UINT32_MAX));
}
[[nodiscard]] constexpr std::uint64_t bytes_in(Rate rate, std::uint64_t us) noexcept { return rate * us >> kRateShift; }
// Rounded up: nothing leaves early.
[[nodiscard]] constexpr std::uint32_t us_for(Rate rate, std::uint32_t bytes) noexcept {
  const std::uint64_t us = ((std::uint64_t{bytes} << kRateShift) + rate - 1) / std::max(rate, 1U);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(us, UINT32_MAX));
}

// What a release sends: what two ticks of the wheel carry, or a segment. Timers fire up to a tick late, so a quantum of
// one tick would be gone before the next release.
[[nodiscard]] std::uint32_t quantum(Rate rate, std::uint32_t smss) noexcept;
// What may leave at once after a pause: a release that came late catches up.
[[nodiscard]] inline std::uint32_t depth(Rate rate, std::uint32_t smss) noexcept { return 2 * quantum(rate, smss); }
// A bucket `elapsed_us` later. Above its depth, as the initial window puts it, it does not fill.
[[nodiscard]] std::int32_t filled(std::int32_t credit, std::uint32_t elapsed_us, Rate rate, std::uint32_t smss) noexcept;

// The connection's: the algorithm's own, or in proportion to cwnd and SRTT. Never less than a segment a second.
[[nodiscard]] Rate rate(const Tcb& tcb, Env& env) noexcept;
// Bytes that may leave now, and remembers them: the initial window at first. UINT32_MAX where no block is to be had.
std::uint32_t budget(Tcb& tcb, Env& env) noexcept;
// So many left.
void charge(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept;
// `bytes` more wait for the bucket: t_delack is when a quantum of them, or all, may leave.
void wait_for(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept;

}  // namespace sluice::tcp::pacing
