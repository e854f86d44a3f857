// SPDX-License-Identifier: BSD-3-Clause
#include "lib/budget.h"

#include <gtest/gtest.h>

namespace sluice::lib {
namespace {

TEST(CountLcoresTest, ReadsDpdksLists) {
  EXPECT_EQ(count_lcores("0"), 1U);
  EXPECT_EQ(count_lcores("0-3"), 4U);
  EXPECT_EQ(count_lcores("0-3,6,8-9"), 7U);
  EXPECT_EQ(count_lcores("0@1,1@0"), 2U);
  EXPECT_EQ(count_lcores("(0-3)@(4-7)"), 4U);
  EXPECT_EQ(count_lcores("0@0,(1,2)@1"), 3U);
}

TEST(CountLcoresTest, RefusesWhatIsNoList) {
  for (const char* text : {"", "a", "0-", "-3", "3-1", "0,,1", "(0", "0)", "0 1"}) EXPECT_EQ(count_lcores(text), 0U) << text;
}

struct BudgetTest : testing::Test {
  BudgetTest() { config.ports.resize(1); }
  Config config;
  static constexpr std::size_t kGiB = std::size_t{1} << 30U;
};

TEST_F(BudgetTest, AutoTakesWhatIsUsefulOrHalfOfWhatIsThere) {
  config.tcp.max_connections = 1'000'000;
  EXPECT_EQ(plan_limits(config, 64 * kGiB)->buffers, 4096U + 250'000U);
  const auto small = plan_limits(config, kGiB / 4);
  ASSERT_TRUE(small.ok());
  EXPECT_LT(small->buffers, 60'000U);
  EXPECT_GE(small->buffers, 4096U);
}

TEST_F(BudgetTest, TooLittleMemoryNamesKeyNumbersAndRemedy) {
  const auto tiny = plan_limits(config, 4 << 20);
  ASSERT_FALSE(tiny.ok());
  EXPECT_EQ(tiny.error().code, Errc::kNoMemory);
  EXPECT_NE(tiny.error().message.find("tcp.buffers"), std::string::npos) << tiny.error().message;
  config.tcp.buffers = 1'000'000;
  const auto many = plan_limits(config, kGiB);
  ASSERT_FALSE(many.ok());
  EXPECT_NE(many.error().message.find("1000000 packet buffers"), std::string::npos) << many.error().message;
}

TEST_F(BudgetTest, MoreConnectionsThanMemoryIsRefused) {
  config.tcp.max_connections = 1'000'000'000;
  const auto plan = plan_limits(config, 64 * kGiB);
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().message.find("tcp.max_connections"), std::string::npos) << plan.error().message;
}

TEST_F(BudgetTest, BadLcoresAreSaidToBeBad) {
  config.dpdk.lcores = "x";
  const auto plan = plan_limits(config, kGiB);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace sluice::lib
