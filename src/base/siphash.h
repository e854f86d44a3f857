// SPDX-License-Identifier: BSD-3-Clause
// SipHash (Aumasson, Bernstein 2012) over whole 64-bit words: keyed hashes for
// ISNs and timestamp offsets (2-4 rounds) and for the connection table (1-3).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

struct SipKey {
  std::uint64_t k0 = 0, k1 = 0;
};

namespace detail {
struct SipState {
  std::uint64_t v0, v1, v2, v3;

  explicit constexpr SipState(SipKey key) noexcept
      : v0(key.k0 ^ 0x736f6d6570736575ULL), v1(key.k1 ^ 0x646f72616e646f6dULL),
        v2(key.k0 ^ 0x6c7967656e657261ULL), v3(key.k1 ^ 0x7465646279746573ULL) {}
  constexpr void round() noexcept {
    v0 += v1; v1 = std::rotl(v1, 13); v1 ^= v0; v0 = std::rotl(v0, 32);
    v2 += v3; v3 = std::rotl(v3, 16); v3 ^= v2;
    v0 += v3; v3 = std::rotl(v3, 21); v3 ^= v0;
    v2 += v1; v1 = std::rotl(v1, 17); v1 ^= v2; v2 = std::rotl(v2, 32);
  }
};
}  // namespace detail

// SipHash-C-D of the little-endian bytes of `words`; equal to the published function
// for messages whose length is a multiple of 8 bytes.
template <int C, int D>
[[nodiscard]] constexpr std::uint64_t siphash(SipKey key, std::span<const std::uint64_t> words) noexcept {
  detail::SipState s(key);
  for (const std::uint64_t m : words) {
    s.v3 ^= m;
    for (int i = 0; i < C; ++i) s.round();
    s.v0 ^= m;
  }
  const std::uint64_t last = (static_cast<std::uint64_t>(words.size()) * 8) << 56U;
  s.v3 ^= last;
  for (int i = 0; i < C; ++i) s.round();
  s.v0 ^= last;
  s.v2 ^= 0xff;
  for (int i = 0; i < D; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace sluice
