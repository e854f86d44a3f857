// SPDX-License-Identifier: BSD-3-Clause
#include "lib/budget.h"
#include "lib/needs.h"

#include <gtest/gtest.h>

#include "port/dpdk/buffers.h"

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
  BudgetTest() {
    config.ports.resize(1);
    config.dpdk.hugepages = Hugepages::kOn;
  }
  Config config;
  // Beside ordinary memory for a million connections' records.
  static port::MemoryThere huge(std::size_t bytes) { return {bytes, 4 * kGiB}; }
  static constexpr std::size_t kMiB = std::size_t{1} << 20U;
  static constexpr std::size_t kGiB = std::size_t{1} << 30U;
};

TEST_F(BudgetTest, AutoTakesWhatIsUsefulOrHalfOfWhatIsThere) {
  config.tcp.max_connections = 1'000'000;
  EXPECT_EQ(plan_limits(config, huge(64 * kGiB))->buffers, 4096U + 250'000U);
  const auto small = plan_limits(config, huge(kGiB / 4));
  ASSERT_TRUE(small.ok());
  EXPECT_LT(small->buffers, 60'000U);
  EXPECT_GE(small->buffers, 4096U);
}

// Buffers are as large as the largest MTU wants them: fewer fit.
TEST_F(BudgetTest, AutoFitsInMemoryWhateverTheMtu) {
  config.tcp.max_connections = 1'000'000;
  config.ports.resize(2);
  for (const std::uint16_t mtu : {1500, 4000, 9000, 9600}) {
    config.ports[1].mtu = mtu;
    const auto plan = plan_limits(config, huge(kGiB));
    ASSERT_TRUE(plan.ok());
    const port::BufferLimits limits{plan->buffers, plan->fragments, mtu};
    EXPECT_LT(port::DpdkBuffers::memory_needed(limits, 2), kGiB) << mtu;
    EXPECT_GT(port::DpdkBuffers::memory_needed(limits, 2), kGiB / 2) << mtu;
  }
  config.tcp.buffers = 200'000;
  EXPECT_EQ(plan_limits(config, huge(kGiB)).error().code, Errc::kNoMemory);
}

// However much memory there is, so the configuration is to blame.
TEST_F(BudgetTest, FewerBuffersThanQueuesNeedIsInvalid) {
  config.tcp.buffers = 4095;
  const auto few = plan_limits(config, huge(64 * kGiB));
  ASSERT_FALSE(few.ok());
  EXPECT_EQ(few.error().code, Errc::kInvalid);
  EXPECT_NE(few.error().message.find("write 4096 or more"), std::string::npos) << few.error().message;
  config.tcp.buffers = 4096;
  EXPECT_TRUE(plan_limits(config, huge(64 * kGiB)).ok());
}

TEST_F(BudgetTest, TooLittleMemoryNamesKeyNumbersAndRemedy) {
  const auto tiny = plan_limits(config, huge(4 << 20));
  ASSERT_FALSE(tiny.ok());
  EXPECT_EQ(tiny.error().code, Errc::kNoMemory);
  EXPECT_NE(tiny.error().message.find("tcp.buffers"), std::string::npos) << tiny.error().message;
  config.tcp.buffers = 1'000'000;
  const auto many = plan_limits(config, huge(kGiB));
  ASSERT_FALSE(many.ok());
  EXPECT_NE(many.error().message.find("1000000 packet buffers"), std::string::npos) << many.error().message;
}

TEST_F(BudgetTest, MoreConnectionsThanMemoryIsRefused) {
  config.tcp.max_connections = 1'000'000'000;
  const auto plan = plan_limits(config, huge(64 * kGiB));
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.error().message.find("tcp.max_connections"), std::string::npos) << plan.error().message;
}

// Of ordinary memory each can have what the other leaves, not all of it.
TEST_F(BudgetTest, WithoutHugepagesRecordsAndBuffersShareTheMemory) {
  config.dpdk.hugepages = Hugepages::kOff;
  config.tcp.max_connections = 1'000'000;
  config.tcp.buffers = 200'000;  // about 490 MiB
  const auto ample = plan_limits(config, {0, 8 * kGiB});
  ASSERT_TRUE(ample.ok()) << ample.error().message;
  const std::size_t records = ample->records_bytes;
  EXPECT_TRUE(plan_limits(config, {0, records + 500 * kMiB}).ok());
  const auto both = plan_limits(config, {64 * kGiB, records + 400 * kMiB});
  ASSERT_FALSE(both.ok()) << "hugepages are there, but may not be used";
  EXPECT_EQ(both.error().code, Errc::kNoMemory);
  EXPECT_NE(both.error().message.find("DPDK can have 400 MiB beside"), std::string::npos) << both.error().message;
  config.tcp.buffers = 0;
  const auto automatic = plan_limits(config, {0, records + 400 * kMiB});
  ASSERT_TRUE(automatic.ok());
  EXPECT_LE(automatic->buffers * 2560, 200 * kMiB);

  config.dpdk.hugepages = Hugepages::kAuto;
  config.tcp.buffers = 200'000;
  EXPECT_TRUE(plan_limits(config, {500 * kMiB, records}).ok()) << "buffers in hugepages, records beside";
  EXPECT_FALSE(plan_limits(config, {400 * kMiB, records + 400 * kMiB}).ok()) << "in neither";
  config.dpdk.hugepages = Hugepages::kOn;
  EXPECT_FALSE(plan_limits(config, {400 * kMiB, 64 * kGiB}).ok());
}

TEST_F(BudgetTest, BadLcoresAreSaidToBeBad) {
  config.dpdk.lcores = "x";
  const auto plan = plan_limits(config, huge(kGiB));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace sluice::lib
