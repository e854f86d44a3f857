// SPDX-License-Identifier: BSD-3-Clause
// Time as values: nothing here reads a clock. A shard's loop samples its clock
// once a burst and passes the Instant on; captures and simulations pass theirs.
#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

// A span of time in nanoseconds; negative spans are allowed.
struct Duration {
  std::int64_t ns = 0;

  [[nodiscard]] static constexpr Duration nanoseconds(std::int64_t n) noexcept { return {n}; }
  [[nodiscard]] static constexpr Duration microseconds(std::int64_t n) noexcept { return {n * 1'000}; }
  [[nodiscard]] static constexpr Duration milliseconds(std::int64_t n) noexcept { return {n * 1'000'000}; }
  [[nodiscard]] static constexpr Duration seconds(std::int64_t n) noexcept { return {n * 1'000'000'000}; }

  [[nodiscard]] constexpr std::int64_t us() const noexcept { return ns / 1'000; }
  [[nodiscard]] constexpr std::int64_t ms() const noexcept { return ns / 1'000'000; }

  friend constexpr auto operator<=>(Duration, Duration) noexcept = default;
  friend constexpr Duration operator+(Duration a, Duration b) noexcept { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) noexcept { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, std::int64_t k) noexcept { return {a.ns * k}; }
  friend constexpr Duration operator/(Duration a, std::int64_t k) noexcept { return {a.ns / k}; }
};

// A point in time: nanoseconds since an origin that the driver of the stack
// chose (start of the engine, first frame of a capture, zero in a simulation).
struct Instant {
  std::int64_t ns = 0;

  [[nodiscard]] static constexpr Instant never() noexcept { return {INT64_MAX}; }
  [[nodiscard]] constexpr std::int64_t us() const noexcept { return ns / 1'000; }
  [[nodiscard]] constexpr std::int64_t ms() const noexcept { return ns / 1'000'000; }

  friend constexpr auto operator<=>(Instant, Instant) noexcept = default;
  friend constexpr Instant operator+(Instant t, Duration d) noexcept { return {t.ns + d.ns}; }
  friend constexpr Instant operator-(Instant t, Duration d) noexcept { return {t.ns - d.ns}; }
  friend constexpr Duration operator-(Instant a, Instant b) noexcept { return {a.ns - b.ns}; }
};

}  // namespace sluice
