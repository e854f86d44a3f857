// SPDX-License-Identifier: BSD-3-Clause
// The order of what counts modulo 2^32: sequence numbers and ticks, which are types of their own, and the bare
// numbers that are kept beside them: timestamps, milliseconds, microseconds, bytes delivered.
#pragma once

#include <cstdint>

namespace sluice {

// a < b, meaningful while the two are less than 2^31 apart.
[[nodiscard]] constexpr bool before(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) < 0;
}

}  // namespace sluice
