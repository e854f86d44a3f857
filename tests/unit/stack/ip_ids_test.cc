// SPDX-License-Identifier: BSD-3-Clause
// IP identifications are SipHash-2-4 of a counter under the shard's key.
#include "stack/ip_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sluice::stack {
namespace {

std::vector<std::uint16_t> first(SipKey key, std::size_t n) {
  IpIds ids(key);
  std::vector<std::uint16_t> out(n);
  for (auto& id : out) id = ids.next();
  return out;
}

TEST(IpIds, AreTheHashesOfACounter) {
  const SipKey key{1, 2};
  const std::vector<std::uint16_t> ids = first(key, 64);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::uint64_t counter[] = {i / 4};
    EXPECT_EQ(ids[i], static_cast<std::uint16_t>(siphash<2, 4>(key, counter) >> 16 * (i % 4))) << i;
  }
}

// Each value of 16 bits comes about as often as any other: of 65,536 draws 1/e of the values is missing.
TEST(IpIds, CoverTheirRangeLikeChance) {
  std::vector<bool> seen(65'536);
  for (const std::uint16_t id : first({3, 4}, 65'536)) seen[id] = true;
  const auto values = std::count(seen.begin(), seen.end(), true);
  EXPECT_NEAR(static_cast<double>(values), 65'536 * 0.632, 600);
}

TEST(IpIds, DifferByEitherHalfOfTheKey) {
  EXPECT_NE(first({1, 2}, 16), first({1, 3}, 16));
  EXPECT_NE(first({1, 2}, 16), first({2, 2}, 16));
}

}  // namespace
}  // namespace sluice::stack
