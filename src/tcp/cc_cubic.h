// SPDX-License-Identifier: BSD-3-Clause
// CUBIC (RFC 9438) with HyStart++ (RFC 9406) in the initial slow start. Integers only,
// so that every machine computes the same window. Without a state block (their slab
// is empty) a connection behaves as Reno.
#pragma once

#include <cstdint>

#include "tcp/congestion.h"

namespace sluice::tcp::cubic {

// --- arithmetic, by itself for its tests ---
// RFC 9438 (2): milliseconds until the curve is back at `w_max` from `cwnd_epoch`, both in bytes, w_max the larger.
[[nodiscard]] std::uint32_t k_ms(std::uint32_t w_max, std::uint32_t cwnd_epoch, std::uint32_t smss) noexcept;
// RFC 9438 (1), in bytes: W_cubic `t_ms` after the epoch began.
[[nodiscard]] std::uint32_t w_cubic(std::uint32_t t_ms, std::uint32_t k_ms, std::uint32_t w_max,
                                    std::uint32_t smss) noexcept;
// RFC 9438 4.6, 4.7: beta_cubic times a window.
[[nodiscard]] constexpr std::uint32_t beta_times(std::uint32_t bytes) noexcept {
  return static_cast<std::uint32_t>(std::uint64_t{bytes} * 7 / 10);
}

// --- the events of congestion.h ---
void acked(Tcb& tcb, const AckSample& sample, Env& env) noexcept;
void loss(Tcb& tcb, std::uint32_t flight, Env& env) noexcept;
void timeout(Tcb& tcb, std::uint32_t flight, bool first, Env& env) noexcept;
void undo(Tcb& tcb, Env& env) noexcept;

}  // namespace sluice::tcp::cubic
