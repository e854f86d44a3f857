// SPDX-License-Identifier: BSD-3-Clause
// A small seeded generator (xoshiro256++ by Blackman and Vigna, public domain
// algorithm; this is our own writing of it) for tests and port choice. Not for secrets.
#pragma once

#include <bit>
#include <cstdint>

namespace sluice {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept {
    for (auto& word : s_) {  // splitmix64
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31U);
    }
  }
  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17U;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = std::rotl(s_[3], 45);
    return result;
  }
  // Uniform in [0, bound); 0 when bound is 0.
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32U) * bound) >> 32U);
  }
  // True with probability parts/1000.
  bool per_mille(std::uint32_t parts) noexcept { return below(1000) < parts; }

 private:
  std::uint64_t s_[4]{};
};

}  // namespace sluice
