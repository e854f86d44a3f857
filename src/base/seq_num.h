// SPDX-License-Identifier: BSD-3-Clause
// Sequence numbers modulo 2^32 (RFC 9293 3.4). A type without operator<, so that
// the comparison that breaks at the wrap cannot be written by accident.
#pragma once

#include <cstdint>

#include "base/modular.h"

namespace sluice {

class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(std::uint32_t value) noexcept : value_(value) {}

  [[nodiscard]] constexpr std::uint32_t value() const noexcept { return value_; }

  // *this < other, meaningful while the two are less than 2^31 apart.
  [[nodiscard]] constexpr bool before(SeqNum other) const noexcept { return sluice::before(value_, other.value_); }
  [[nodiscard]] constexpr bool after(SeqNum other) const noexcept { return other.before(*this); }
  // first <= *this < first + size
  [[nodiscard]] constexpr bool in_window(SeqNum first, std::uint32_t size) const noexcept {
    return value_ - first.value_ < size;
  }

  friend constexpr bool operator==(SeqNum, SeqNum) noexcept = default;
  friend constexpr SeqNum operator+(SeqNum a, std::uint32_t n) noexcept { return SeqNum(a.value_ + n); }
  friend constexpr SeqNum operator-(SeqNum a, std::uint32_t n) noexcept { return SeqNum(a.value_ - n); }
  // Bytes from b to a; the caller knows that a is not before b.
  friend constexpr std::uint32_t operator-(SeqNum a, SeqNum b) noexcept { return a.value_ - b.value_; }
  constexpr SeqNum& operator+=(std::uint32_t n) noexcept {
    value_ += n;
    return *this;
  }

 private:
  std::uint32_t value_ = 0;
};

[[nodiscard]] constexpr SeqNum later(SeqNum a, SeqNum b) noexcept { return a.before(b) ? b : a; }
[[nodiscard]] constexpr SeqNum earlier(SeqNum a, SeqNum b) noexcept { return a.before(b) ? a : b; }

}  // namespace sluice
