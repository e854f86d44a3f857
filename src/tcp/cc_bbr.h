// SPDX-License-Identifier: BSD-3-Clause
// BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00; ADR-0013 says why not a
// later one): a rate and a window from the path's bandwidth and round trip as they were
// measured, not from losses. Always paced. Without a model block (their slab is empty) a
// connection behaves as Reno.
#pragma once

#include <cstdint>

#include "tcp/bbr_model.h"
#include "tcp/congestion.h"

namespace sluice::tcp::bbr {

inline constexpr std::uint32_t kMinPipeSegments = 4;
inline constexpr std::uint32_t kRtPropFilterMs = 10'000;
inline constexpr std::uint32_t kProbeRttMs = 200;
inline constexpr std::uint16_t kUnit = 256;       // a gain of 1
inline constexpr std::uint16_t kHighGain = 739;   // 2 / ln 2: doubles the rate every round trip
inline constexpr std::uint16_t kDrainGain = 88;   // its inverse
inline constexpr std::uint16_t kCwndGain = 2 * kUnit;

// A model for a connection that has none: STARTUP.
void begin(const Tcb& tcb, BbrModel& b) noexcept;
// Before and after output with something to send; `unused`: the bucket is full. `bytes` left, `flight` was outstanding
// before.
void before_send(Tcb& tcb, BbrModel& b, bool unused, const Env& env) noexcept;
void after_send(const Tcb& tcb, BbrModel& b, std::uint32_t bytes, std::uint32_t flight, const Env& env) noexcept;

// --- the events of congestion.h; acked() in recovery too, and for reports alone ---
void acked(Tcb& tcb, BbrModel& b, const AckSample& sample, Env& env) noexcept;
void loss(Tcb& tcb, BbrModel& b, Env& env) noexcept;
void recovered(Tcb& tcb, BbrModel& b, Env& env) noexcept;
void timeout(Tcb& tcb, BbrModel& b) noexcept;
void undo(Tcb& tcb, BbrModel& b) noexcept;

// --- for its tests ---
// BBRInflight(gain): bytes, with room for what is on its way into and out of either end.
[[nodiscard]] std::uint32_t inflight(const Tcb& tcb, const BbrModel& b, std::uint32_t gain) noexcept;

}  // namespace sluice::tcp::bbr
