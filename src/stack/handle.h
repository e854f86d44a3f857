// SPDX-License-Identifier: BSD-3-Clause
// The name of a connection record inside its shard: which of the shard's slabs it
// lives in, and where. Four bytes, so that tables and timer links hold names instead
// of pointers. A value; meaningful to the shard that owns the slabs only.
#pragma once

#include <cstdint>

namespace sluice::stack {

enum class Kind : std::uint8_t {
  kTcb = 0,       // a connection with its whole state
  kHalfOpen = 1,  // a passive open that waits for its ACK
  kTimeWait = 2,  // what is left of a connection in TIME_WAIT
  kNone = 3,      // no record; never in a table
};

struct Handle {
  static constexpr unsigned kIndexBits = 30;
  static constexpr std::uint32_t kMaxIndex = (std::uint32_t{1} << kIndexBits) - 1;

  std::uint32_t value = 0xffffffff;  // top two bits: kind; the rest: index in that kind's slab

  [[nodiscard]] static constexpr Handle make(Kind kind, std::uint32_t index) noexcept {
    return {(static_cast<std::uint32_t>(kind) << kIndexBits) | index};
  }
  [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(value >> kIndexBits); }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return value & kMaxIndex; }
  // True when it names a record.
  [[nodiscard]] constexpr bool valid() const noexcept { return kind() != Kind::kNone; }
  friend constexpr bool operator==(Handle, Handle) noexcept = default;
};
static_assert(sizeof(Handle) == 4);

inline constexpr Handle kNoHandle{};

}  // namespace sluice::stack
