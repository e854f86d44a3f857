// SPDX-License-Identifier: BSD-3-Clause
// Where an address goes in a small table of ours. Hosts of a link are numbered one after
// another, so that their addresses differ in the last bytes.
#pragma once

#include <cstdint>
#include <cstring>

#include "sluice/config.h"

namespace sluice::stack {

// 0 to `places` - 1. The upper bits of a product depend on all bits below them: the address is taken as the number
// that it is (its last byte the lowest), and consecutive ones then lie evenly apart (Knuth 6.4, Fibonacci hashing).
// No key: whoever is on the link may answer for any address of it, and from elsewhere nobody chooses them.
[[nodiscard]] inline std::uint32_t spread(const IpAddress& address, std::uint64_t salt, std::size_t places) noexcept {
  std::uint64_t low = 0;
  std::memcpy(&low, address.bytes.data() + 8, sizeof(low));
  const std::uint64_t mixed = (__builtin_bswap64(low) + salt) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::uint32_t>(((mixed >> 32U) * places) >> 32U);
}

}  // namespace sluice::stack
