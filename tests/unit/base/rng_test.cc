// SPDX-License-Identifier: BSD-3-Clause
#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace sluice {
namespace {

TEST(Rng, SameSeedSameSequenceAnotherSeedAnother) {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t word = a.next();
    EXPECT_EQ(word, b.next());
    equal += static_cast<int>(word == c.next());
  }
  EXPECT_EQ(equal, 0);
}

TEST(Rng, BelowIsUniformAndBelowItsBound) {
  Rng rng(1);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100000; ++i) {
    const std::uint32_t value = rng.below(10);
    ASSERT_LT(value, 10U);
    ++counts[value];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);  // five standard deviations
  EXPECT_EQ(rng.below(0), 0U);
  EXPECT_EQ(rng.below(1), 0U);
}

TEST(Rng, PerMilleIsAProbability) {
  Rng rng(2);
  int hits = 0;
  for (int i = 0; i < 100000; ++i) {
    hits += static_cast<int>(rng.per_mille(250));
    ASSERT_FALSE(rng.per_mille(0));
    ASSERT_TRUE(rng.per_mille(1000));
  }
  EXPECT_NEAR(hits, 25000, 700);
}

}  // namespace
}  // namespace sluice
