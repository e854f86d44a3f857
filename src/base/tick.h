// SPDX-License-Identifier: BSD-3-Clause
// Timer ticks: an Instant in units of 125 us, modulo 2^32 (six days), so that a
// deadline fits in four bytes of a connection.
#pragma once

#include <cstdint>

#include "base/modular.h"
#include "sluice/time.h"

namespace sluice {

inline constexpr std::int64_t kTickNs = 125'000;

// A point in time in ticks; comparisons are modular like a SeqNum's, so deadlines
// lie less than three days ahead. Value 0 is reserved for "not armed".
struct Tick {
  std::uint32_t value = 0;

  [[nodiscard]] constexpr bool armed() const noexcept { return value != 0; }
  [[nodiscard]] constexpr bool before(Tick other) const noexcept { return sluice::before(value, other.value); }
  friend constexpr bool operator==(Tick, Tick) noexcept = default;

  // The tick in which `t` lies: for "now".
  [[nodiscard]] static constexpr Tick floor(Instant t) noexcept {
    return {static_cast<std::uint32_t>(static_cast<std::uint64_t>(t.ns) / kTickNs)};
  }
  // The first tick that does not begin before `t`: for deadlines, never early. Never 0.
  [[nodiscard]] static constexpr Tick ceil(Instant t) noexcept { return not_zero(ceil_value(t)); }
  // The same as a number to count on from, which may be 0.
  [[nodiscard]] static constexpr std::uint32_t ceil_value(Instant t) noexcept {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(t.ns) + (kTickNs - 1)) / kTickNs);
  }
  [[nodiscard]] static constexpr Tick not_zero(std::uint32_t value) noexcept { return {value == 0 ? 1U : value}; }
  // Ticks from `now` to this one; 0 if it has passed.
  [[nodiscard]] constexpr std::uint32_t until(Tick now) const noexcept { return before(now) ? 0 : value - now.value; }
};

}  // namespace sluice
