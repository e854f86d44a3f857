// SPDX-License-Identifier: BSD-3-Clause
#include "wire/checksum.h"

namespace sluice::wire {

namespace {

// Four 64-bit lanes; with AVX2 one register. Each lane adds 32-bit words, so none
// overflows before 2^32 rounds.
using Lanes = std::uint64_t __attribute__((vector_size(32)));
constexpr std::size_t kLaneBytes = sizeof(Lanes);

template <bool kCopy>
CsumSum sum_lanes(std::uint8_t* to, const std::uint8_t* p, std::size_t n) noexcept {
  Lanes low = {};
  Lanes high = {};
  Lanes low2 = {};
  Lanes high2 = {};
  while (n >= 2 * kLaneBytes) {
    Lanes a;
    Lanes b;
    std::memcpy(&a, p, sizeof(a));
    std::memcpy(&b, p + kLaneBytes, sizeof(b));
    if constexpr (kCopy) {
      std::memcpy(to, &a, sizeof(a));
      std::memcpy(to + kLaneBytes, &b, sizeof(b));
      to += 2 * kLaneBytes;
    }
    low += a & 0xffffffffU;
    high += a >> 32U;
    low2 += b & 0xffffffffU;
    high2 += b >> 32U;
    p += 2 * kLaneBytes;
    n -= 2 * kLaneBytes;
  }
  if (n >= kLaneBytes) {
    Lanes a;
    std::memcpy(&a, p, sizeof(a));
    if constexpr (kCopy) {
      std::memcpy(to, &a, sizeof(a));
      to += kLaneBytes;
    }
    low += a & 0xffffffffU;
    high += a >> 32U;
    p += kLaneBytes;
    n -= kLaneBytes;
  }
  const Lanes all = (low + high) + (low2 + high2);
  return all[0] + all[1] + all[2] + all[3] + sum_short<kCopy>(to, p, n);
}

}  // namespace

CsumSum sum_long(const std::uint8_t* p, std::size_t n) noexcept { return sum_lanes<false>(nullptr, p, n); }

CsumSum copy_and_sum(std::uint8_t* to, const std::uint8_t* from, std::size_t n) noexcept {
  return sum_lanes<true>(to, from, n);
}

}  // namespace sluice::wire
