// SPDX-License-Identifier: BSD-3-Clause
#include "base/siphash.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <set>
#include <vector>

#include "base/rng.h"

namespace sluice {
namespace {

// The key and messages of the function's publication: bytes 00 01 02 ...
constexpr SipKey kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

std::vector<std::uint64_t> counting_words(std::size_t count) {
  std::vector<std::uint64_t> words;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t word = 0;
    for (std::uint64_t byte = 0; byte < 8; ++byte) word |= (8 * i + byte) << (8 * byte);
    words.push_back(word);
  }
  return words;
}

// Rows 0, 8, 16 ... 56 of the published SipHash-2-4 vectors, those of whole words.
TEST(SipHash, TwoFourMeetsThePublishedVectors) {
  constexpr std::array<std::array<std::uint8_t, 8>, 8> kPublished{{
    {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72},
    {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93},
    {0xdb, 0x9b, 0xc2, 0x57, 0x7f, 0xcc, 0x2a, 0x3f},
    {0x94, 0xaf, 0x49, 0xf6, 0xc6, 0x50, 0xad, 0xb8},
    {0xce, 0x7c, 0xf2, 0x72, 0x2f, 0x51, 0x27, 0x71},
    {0xd0, 0xa7, 0x04, 0x53, 0x6b, 0xa9, 0x3e, 0x0e},
    {0x51, 0xa9, 0xcb, 0x9e, 0xcb, 0xa3, 0x12, 0xe6},
    {0xbd, 0x83, 0x8d, 0x3a, 0xaf, 0xbf, 0x8d, 0xb7},
  }};
  for (std::size_t n = 0; n < kPublished.size(); ++n) {
    EXPECT_EQ((siphash<2, 4>(kKey, counting_words(n))), std::bit_cast<std::uint64_t>(kPublished[n])) << n << " words";
  }
}

// The same messages, computed with CPython 3.11, whose hash of bytes is SipHash-1-3.
TEST(SipHash, OneThreeMeetsAnIndependentImplementation) {
  constexpr std::array<std::uint64_t, 5> kKnown{
      0xead411e67ebe2eeaULL,
      0x8972188433a5c5b7ULL,
      0x31185a47af932f3aULL,
      0x31ef8061c910629bULL,
      0x95bc321ab41d8206ULL,
  };
  for (std::size_t n = 1; n <= kKnown.size(); ++n) {
    EXPECT_EQ((siphash<1, 3>({}, counting_words(n))), kKnown[n - 1]) << n << " words";
  }
}

TEST(SipHash, DependsOnEveryBitOfKeyAndMessage) {
  std::set<std::uint64_t> seen{siphash<1, 3>(kKey, std::array<std::uint64_t, 2>{1, 2})};
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t flip = std::uint64_t{1} << bit;
    seen.insert(siphash<1, 3>({kKey.k0 ^ flip, kKey.k1}, std::array<std::uint64_t, 2>{1, 2}));
    seen.insert(siphash<1, 3>({kKey.k0, kKey.k1 ^ flip}, std::array<std::uint64_t, 2>{1, 2}));
    seen.insert(siphash<1, 3>(kKey, std::array<std::uint64_t, 2>{1 ^ flip, 2}));
    seen.insert(siphash<1, 3>(kKey, std::array<std::uint64_t, 2>{1, 2 ^ flip}));
  }
  EXPECT_EQ(seen.size(), 257U);
}

TEST(SipHash, FourAtOnceAreTheSameFour) {
  Rng rng(13);
  for (int i = 0; i < 1'000; ++i) {
    const SipKey key{rng.next(), rng.next()};
    std::array<std::array<std::uint64_t, 3>, 4> messages{};
    std::array<SipLanes, 3> lanes{};
    for (std::size_t m = 0; m < 4; ++m) {
      for (std::size_t w = 0; w < 3; ++w) lanes[w][m] = messages[m][w] = rng.next();
    }
    const std::size_t words = rng.below(4);
    const SipLanes hashes = siphash_lanes<1, 3>(key, std::span(lanes).first(words));
    for (std::size_t m = 0; m < 4; ++m) {
      ASSERT_EQ(hashes[m], (siphash<1, 3>(key, std::span(messages[m]).first(words)))) << words << " words";
    }
  }
}

// What comes before in the message may be hashed in once for many.
TEST(SipHash, APrefixHashedInBeforehandChangesNothing) {
  Rng rng(24);
  for (int i = 0; i < 1'000; ++i) {
    const SipKey key{rng.next(), rng.next()};
    std::array<std::uint64_t, 5> message{};
    for (std::uint64_t& word : message) word = rng.next();
    const std::size_t first = rng.below(6);
    SipHasher<2, 4> common(key);
    for (std::size_t w = 0; w < first; ++w) common.add(message[w]);
    SipHasher<2, 4> rest = common;
    for (std::size_t w = first; w < message.size(); ++w) rest.add(message[w]);
    ASSERT_EQ(rest.finish(), (siphash<2, 4>(key, message)));
  }
}

}  // namespace
}  // namespace sluice
