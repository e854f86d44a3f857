// SPDX-License-Identifier: BSD-3-Clause
// Fixed-size elements named by 32-bit indices in memory reserved once at start:
// half the size of pointers, and no allocation afterwards. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "base/check.h"
#include "base/reserve.h"

namespace sluice {

inline constexpr std::uint32_t kNoIndex = 0xffffffff;

// T is trivially destructible; take() gives value-initialised elements.
template <typename T>
class Slab {
  static_assert(std::is_trivially_destructible_v<T>);
  static_assert(sizeof(T) >= sizeof(std::uint32_t));

 public:
  // Reserves room for `capacity` elements; the memory is touched as it is first used,
  // or now with Prefault::kYes.
  explicit Slab(std::uint32_t capacity, Prefault prefault = Prefault::kNo)
      : memory_(static_cast<std::size_t>(capacity) * sizeof(T), prefault), capacity_(capacity) {}

  // kNoIndex when full.
  [[nodiscard]] std::uint32_t take() noexcept {
    std::uint32_t index = free_;
    if (index != kNoIndex) {
      free_ = *link(index);
    } else {
      if (fresh_ == capacity_) return kNoIndex;
      index = fresh_++;
    }
    ++used_;
    new (&(*this)[index]) T();
    return index;
  }
  void give(std::uint32_t index) noexcept {
    DCHECK(index < fresh_ && used_ > 0);
    new (link(index)) std::uint32_t(free_);
    free_ = index;
    --used_;
  }
  [[nodiscard]] T& operator[](std::uint32_t index) noexcept { return static_cast<T*>(memory_.data())[index]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const noexcept {
    return static_cast<const T*>(memory_.data())[index];
  }
  [[nodiscard]] std::uint32_t index_of(const T& element) const noexcept {
    return static_cast<std::uint32_t>(&element - static_cast<const T*>(memory_.data()));
  }
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool full() const noexcept { return used_ == capacity_; }
  // Elements below this index have been used at least once.
  [[nodiscard]] std::uint32_t high_water() const noexcept { return fresh_; }

 private:
  [[nodiscard]] std::uint32_t* link(std::uint32_t index) noexcept {
    return reinterpret_cast<std::uint32_t*>(&(*this)[index]);
  }
  Reservation memory_;
  std::uint32_t capacity_;
  std::uint32_t fresh_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t free_ = kNoIndex;
};

}  // namespace sluice
