// SPDX-License-Identifier: BSD-3-Clause
// SipHash (Aumasson, Bernstein 2012) over whole 64-bit words: keyed hashes for
// ISNs and timestamp offsets (2-4 rounds) and for the connection table (1-3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

struct SipKey {
  std::uint64_t k0 = 0, k1 = 0;
};

// A word of each of four messages, or four hashes.
using SipLanes = std::uint64_t __attribute__((vector_size(32)));

namespace detail {
// `Word` is of one message or of several.
template <int N, typename Word>
[[nodiscard]] constexpr Word rotl(Word word) noexcept {
  return (word << N) | (word >> (64 - N));
}
// Of lanes by whole bytes: one instruction that moves them about, where shifts take three.
template <>
[[nodiscard]] inline SipLanes rotl<32, SipLanes>(SipLanes word) noexcept {
  using Halves = std::uint32_t __attribute__((vector_size(32)));
  const auto halves = (Halves)word;
  return (SipLanes)__builtin_shufflevector(halves, halves, 1, 0, 3, 2, 5, 4, 7, 6);
}
template <>
[[nodiscard]] inline SipLanes rotl<16, SipLanes>(SipLanes word) noexcept {
  using Quarters = std::uint16_t __attribute__((vector_size(32)));
  const auto quarters = (Quarters)word;
  return (SipLanes)__builtin_shufflevector(quarters, quarters, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

template <typename Word>
struct SipState {
  Word v0, v1, v2, v3;

  explicit constexpr SipState(SipKey key) noexcept
      : v0(mixed(key.k0, 0x736f6d6570736575)), v1(mixed(key.k1, 0x646f72616e646f6d)),
        v2(mixed(key.k0, 0x6c7967656e657261)), v3(mixed(key.k1, 0x7465646279746573)) {}
  // Each lane goes on from where `one` is.
  template <typename One>
  explicit constexpr SipState(const SipState<One>& one) noexcept
      : v0(Word{} + one.v0), v1(Word{} + one.v1), v2(Word{} + one.v2), v3(Word{} + one.v3) {}
  constexpr void round() noexcept {
    v0 += v1; v1 = rotl<13>(v1); v1 ^= v0; v0 = rotl<32>(v0);
    v2 += v3; v3 = rotl<16>(v3); v3 ^= v2;
    v0 += v3; v3 = rotl<21>(v3); v3 ^= v0;
    v2 += v1; v1 = rotl<17>(v1); v1 ^= v2; v2 = rotl<32>(v2);
  }

 private:
  [[nodiscard]] static constexpr Word mixed(std::uint64_t half, std::uint64_t constant) noexcept { return Word{} + (half ^ constant); }
};

}  // namespace detail

// Word by word; a copy goes on from what was added so far.
template <int C, int D, typename Word = std::uint64_t>
class SipHasher {
 public:
  explicit constexpr SipHasher(SipKey key) noexcept : s_(key) {}
  // Of several messages that begin as `begun` does.
  template <typename One>
  explicit constexpr SipHasher(const SipHasher<C, D, One>& begun) noexcept : s_(begun.s_), words_(begun.words_) {}
  constexpr void add(Word m) noexcept {
    s_.v3 ^= m;
    for (int i = 0; i < C; ++i) s_.round();
    s_.v0 ^= m;
    ++words_;
  }
  [[nodiscard]] constexpr Word finish() const noexcept {
    detail::SipState<Word> s = s_;
    const std::uint64_t last = (words_ * 8) << 56U;
    s.v3 ^= last;
    for (int i = 0; i < C; ++i) s.round();
    s.v0 ^= last;
    s.v2 ^= 0xff;
    for (int i = 0; i < D; ++i) s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  }

 private:
  template <int, int, typename>
  friend class SipHasher;
  detail::SipState<Word> s_;
  std::uint64_t words_ = 0;
};

// SipHash-C-D of the little-endian bytes of `words`; equal to the published function
// for messages whose length is a multiple of 8 bytes.
template <int C, int D>
[[nodiscard]] constexpr std::uint64_t siphash(SipKey key, std::span<const std::uint64_t> words) noexcept {
  SipHasher<C, D> hasher(key);
  for (const std::uint64_t m : words) hasher.add(m);
  return hasher.finish();
}

// The same of four messages of one length at once: each step works on all four.
template <int C, int D>
[[nodiscard]] inline SipLanes siphash_lanes(SipKey key, std::span<const SipLanes> words) noexcept {
  SipHasher<C, D, SipLanes> hasher(key);
  for (const SipLanes m : words) hasher.add(m);
  return hasher.finish();
}

}  // namespace sluice
