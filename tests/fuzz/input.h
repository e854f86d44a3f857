// SPDX-License-Identifier: BSD-3-Clause
// What every fuzz target shares: reading a byte string as choices, and saying what is wrong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

// libFuzzer's name; standalone.cc calls it too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sluice::fuzz {

// Prints what does not hold and aborts, so that the fuzzer keeps the input.
[[noreturn]] void fail(const char* what, const char* detail = "");
inline void require(bool holds, const char* what, const char* detail = "") {
  if (!holds) fail(what, detail);
}

// The rest of a byte string. Past its end everything is 0.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::span<const std::uint8_t> rest() const noexcept { return rest_; }
  std::uint8_t u8() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint16_t u16() noexcept {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8U | u8());
  }
  std::uint32_t u32() noexcept {
    const std::uint32_t high = u16();
    return high << 16U | u16();
  }
  std::span<const std::uint8_t> take(std::size_t n) noexcept {
    const auto taken = rest_.first(n < rest_.size() ? n : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  template <typename T, std::size_t N>
  const T& one_of(const std::array<T, N>& choices) noexcept {
    return choices[u8() % N];
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace sluice::fuzz
