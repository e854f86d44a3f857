// SPDX-License-Identifier: BSD-3-Clause
// What a client remembers of servers' Fast Open cookies (RFC 7413 4.1.3).
#include "stack/fast_open_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace sluice::stack {
namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
IpAddress server(std::uint32_t n) {
  return IpAddress::v4(10, static_cast<std::uint8_t>(n >> 16U), static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n));
}
constexpr std::uint16_t kLocal = 3;
bool knows(const FastOpenCache& cache, const IpAddress& address, std::string_view cookie) {
  const FastOpenCache::Entry* entry = cache.find(kLocal, address);
  return entry != nullptr && std::ranges::equal(entry->cookie(), bytes(cookie));
}

TEST(FastOpenCache, SwitchedOffItLearnsNothing) {
  FastOpenCache cache(false);
  cache.learn(kLocal, server(1), bytes("12345678"), 1460);
  EXPECT_EQ(cache.find(kLocal, server(1)), nullptr);
  cache.forget(kLocal, server(1));
}

TEST(FastOpenCache, TheNewestCookieOfAServerCounts) {
  FastOpenCache cache(true);
  EXPECT_EQ(cache.find(kLocal, server(1)), nullptr);
  cache.learn(kLocal, server(1), bytes("12345678"), 1460);
  EXPECT_TRUE(knows(cache, server(1), "12345678"));
  EXPECT_EQ(cache.find(kLocal, server(1))->mss, 1460);
  cache.learn(kLocal, server(1), bytes("abcd"), 1000);
  EXPECT_TRUE(knows(cache, server(1), "abcd"));
  EXPECT_EQ(cache.find(kLocal, server(1))->mss, 1000);
  EXPECT_EQ(cache.find(kLocal, server(2)), nullptr);
  cache.forget(kLocal, server(2));
  EXPECT_TRUE(knows(cache, server(1), "abcd"));
  cache.forget(kLocal, server(1));
  EXPECT_EQ(cache.find(kLocal, server(1)), nullptr);
}

TEST(FastOpenCache, WhatIsNoCookieIsNotKept) {
  FastOpenCache cache(true);
  cache.learn(kLocal, server(1), bytes("12345678"), 1460);
  cache.learn(kLocal, server(1), {}, 1460);
  cache.learn(kLocal, server(1), bytes("a cookie of more than sixteen bytes"), 1460);
  EXPECT_TRUE(knows(cache, server(1), "12345678"));
}

TEST(FastOpenCache, ACookieIsForTheAddressThatGotIt) {  // RFC 7413 4.1.3
  FastOpenCache cache(true);
  cache.learn(1, server(1), bytes("12345678"), 1460);
  cache.learn(2, server(1), bytes("abcdefgh"), 1460);
  EXPECT_EQ(cache.find(3, server(1)), nullptr);
  ASSERT_NE(cache.find(1, server(1)), nullptr);
  ASSERT_NE(cache.find(2, server(1)), nullptr) << "beside the other";
  EXPECT_TRUE(std::ranges::equal(cache.find(1, server(1))->cookie(), bytes("12345678")));
  cache.forget(1, server(1));
  EXPECT_EQ(cache.find(1, server(1)), nullptr);
  EXPECT_TRUE(std::ranges::equal(cache.find(2, server(1))->cookie(), bytes("abcdefgh")));
}

// More servers than places: whoever is found is found with his own cookie, the last one certainly.
TEST(FastOpenCache, PlacesAreSharedAndNeverMixedUp) {
  FastOpenCache cache(true);
  constexpr std::uint32_t kServers = 3 * FastOpenCache::kPlaces;
  for (const bool v6 : {false, true}) {
    const auto address = [&](std::uint32_t n) {
      IpAddress a = server(n);
      if (v6) a.bytes[0] = 0xfd;
      return a;
    };
    const auto cookie = [](std::uint32_t n) { return std::to_string(10'000'000 + n); };
    for (std::uint32_t n = 0; n < kServers; ++n) {
      cache.learn(kLocal, address(n), bytes(cookie(n)), static_cast<std::uint16_t>(n));
      ASSERT_TRUE(knows(cache, address(n), cookie(n)));
    }
    std::uint32_t found = 0;
    for (std::uint32_t n = 0; n < kServers; ++n) {
      const FastOpenCache::Entry* entry = cache.find(kLocal, address(n));
      if (entry == nullptr) continue;
      ++found;
      EXPECT_TRUE(knows(cache, address(n), cookie(n)));
      EXPECT_EQ(entry->mss, n);
    }
    EXPECT_LE(found, FastOpenCache::kPlaces);
    EXPECT_GT(found, FastOpenCache::kPlaces / 2) << "neighbouring addresses spread";
  }
}

}  // namespace
}  // namespace sluice::stack
