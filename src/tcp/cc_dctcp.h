// SPDX-License-Identifier: BSD-3-Clause
// DCTCP (RFC 8257): Reno whose answer to an ECN echo is in proportion to how much was
// marked. For networks whose switches mark at a shallow threshold; without ECN it
// is Reno. Pure functions of a connection and values.
#pragma once

#include <cstdint>

#include "tcp/congestion_state.h"
#include "tcp/tcb.h"

namespace sluice::tcp::dctcp {

inline constexpr unsigned kAlphaShift = 20;  // alpha is in 2^-20

// 3.3: `acked` bytes are acknowledged, with or without an echo. SND.UNA has moved.
void observe(const Tcb& tcb, Dctcp& dctcp, std::uint32_t acked, bool echo) noexcept;
// The once a window answer to an echo: cwnd and ssthresh.
void reduce(Tcb& tcb, const Dctcp& dctcp) noexcept;

}  // namespace sluice::tcp::dctcp
