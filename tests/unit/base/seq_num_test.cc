// SPDX-License-Identifier: BSD-3-Clause
#include "base/seq_num.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/rng.h"

namespace sluice {
namespace {

SeqNum seq(std::uint64_t position) { return SeqNum(static_cast<std::uint32_t>(position)); }

TEST(SeqNum, OrderHoldsAcrossTheWrap) {
  EXPECT_TRUE(SeqNum(0xffffffff).before(SeqNum(0)));
  EXPECT_TRUE(SeqNum(0).after(SeqNum(0xffffffff)));
  EXPECT_FALSE(SeqNum(5).before(SeqNum(5)));
  EXPECT_FALSE(SeqNum(5).after(SeqNum(5)));
  EXPECT_EQ(SeqNum(0xfffffffe) + 3, SeqNum(1));
  EXPECT_EQ(SeqNum(1) - 3U, SeqNum(0xfffffffe));
  EXPECT_EQ(SeqNum(1) - SeqNum(0xfffffffe), 3U);
}

TEST(SeqNum, WindowIsHalfOpenAndMayBeEmpty) {
  const SeqNum first(0xfffffff0);
  EXPECT_TRUE(first.in_window(first, 1));
  EXPECT_FALSE(first.in_window(first, 0));
  EXPECT_TRUE((first + 31).in_window(first, 32));
  EXPECT_FALSE((first + 32).in_window(first, 32));
  EXPECT_FALSE((first - 1U).in_window(first, 32));
}

// Positions in a stream of 64 bits, never 2^31 apart: what sequence numbers stand for.
TEST(SeqNum, AgreesWithSixtyFourBitPositions) {
  Rng rng(1);
  std::uint64_t base = 0x1'0000'0000ULL;
  for (int i = 0; i < 200000; ++i) {
    base += rng.below(0x7fffffff) >> rng.below(31);
    const std::uint64_t a = base + (rng.below(0x7fffffff) >> rng.below(31));
    const std::uint64_t b = base + (rng.below(0x7fffffff) >> rng.below(31));
    const std::uint32_t size = rng.below(0x7fffffff) >> rng.below(31);
    ASSERT_EQ(seq(a).before(seq(b)), a < b);
    ASSERT_EQ(seq(a).after(seq(b)), a > b);
    ASSERT_EQ(seq(a) == seq(b), a == b);
    ASSERT_EQ(seq(a).in_window(seq(b), size), a >= b && a < b + size);
    ASSERT_EQ(later(seq(a), seq(b)), seq(a < b ? b : a));
    ASSERT_EQ(earlier(seq(a), seq(b)), seq(a < b ? a : b));
    ASSERT_EQ(seq(a) + size, seq(a + size));
    ASSERT_EQ(seq(a) - size, seq(a - size));
    ASSERT_EQ(later(seq(a), seq(b)) - earlier(seq(a), seq(b)), a < b ? b - a : a - b);
    SeqNum moved = seq(a);
    moved += size;
    ASSERT_EQ(moved, seq(a + size));
  }
}

}  // namespace
}  // namespace sluice
