// SPDX-License-Identifier: BSD-3-Clause
#include "support/impair/rate_limiter.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

TEST(RateLimiter, WithoutARateNobodyWaits) {
  RateLimiter free(0, 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(free.leaves_ns(1'000'000, 5), 5);
  EXPECT_EQ(free.backlog(5), 0U);
}

// 1000 bytes at 8 Mbit/s take a millisecond.
TEST(RateLimiter, FramesLeaveOneBehindTheOther) {
  RateLimiter link(8'000'000, 10'000);
  EXPECT_EQ(link.leaves_ns(1000, 500), 1'000'500);
  EXPECT_EQ(link.leaves_ns(500, 600), 1'500'500);
  EXPECT_EQ(link.backlog(500), 1500U);
  EXPECT_EQ(link.backlog(1'000'500), 500U);
  EXPECT_EQ(link.backlog(1'500'500), 0U);
  EXPECT_EQ(link.leaves_ns(1000, 9'000'000), 10'000'000) << "idle before";
}

TEST(RateLimiter, WhatFindsTooMuchWaitingIsRefusedAndTakesNoTurn) {
  RateLimiter link(8'000'000, 1500);
  EXPECT_TRUE(link.leaves_ns(1500, 0));
  EXPECT_TRUE(link.leaves_ns(1, 0)) << "1500 wait";
  EXPECT_FALSE(link.leaves_ns(1, 0)) << "1501 wait";
  EXPECT_EQ(link.backlog(0), 1501U);
  EXPECT_EQ(link.leaves_ns(1000, 1000), 2'501'000) << "one has left";
}

TEST(RateLimiter, AHugeBufferRefusesNothing) {
  RateLimiter link(1000, UINT64_MAX);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(link.leaves_ns(1'000'000, 0));
}

}  // namespace
}  // namespace sluice::test
