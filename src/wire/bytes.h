// SPDX-License-Identifier: BSD-3-Clause
// Loads and stores in network order, at any alignment. The caller has checked
// that the bytes are there.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace sluice::wire {

static_assert(std::endian::native == std::endian::little, "the wire module swaps bytes unconditionally");

using MacAddress = std::array<std::uint8_t, 6>;

template <typename T>
[[nodiscard]] inline T load_native(const std::uint8_t* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* p) noexcept {
  return __builtin_bswap16(load_native<std::uint16_t>(p));
}
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
  return __builtin_bswap32(load_native<std::uint32_t>(p));
}
[[nodiscard]] inline std::uint64_t load_be64(const std::uint8_t* p) noexcept {
  return __builtin_bswap64(load_native<std::uint64_t>(p));
}
inline void store_be16(std::uint8_t* p, std::uint16_t v) noexcept {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof(v));
}
inline void store_be32(std::uint8_t* p, std::uint32_t v) noexcept {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof(v));
}
inline void store_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, sizeof(v));
}
// For values that already are in memory order, such as a finished checksum.
template <typename T>
inline void store_native(std::uint8_t* p, T v) noexcept {
  std::memcpy(p, &v, sizeof(v));
}
inline void store_native16(std::uint8_t* p, std::uint16_t v) noexcept { store_native(p, v); }

}  // namespace sluice::wire
