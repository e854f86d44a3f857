// SPDX-License-Identifier: BSD-3-Clause
// What a sender makes of 400 Mbit/s with one bandwidth-delay product of queue, the cells of bench/compare/goodput.py, in
// virtual time. The whole matrix: tests/sim/sim_goodput.
#include "sim/goodput.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

class Goodput : public ::testing::TestWithParam<CongestionControl> {};

void expect_nothing_wasted(const Outcome& out) {
  EXPECT_EQ(out.broken, nullptr) << out.broken;
  EXPECT_EQ(out.timeouts, 0U);
  EXPECT_LE(out.resent, out.dropped * 101 / 100) << "of " << out.dropped << " lost";
}

// Slow start ends in an overshoot: as much again as the path and its queue hold, every other segment of it lost. That is
// thousands of holes, which are to be told apart and filled in about a round trip, each once.
TEST(GoodputOfNewReno, ThousandsOfHolesAtTheEndOfSlowStartAreFilledOnceEach) {
  const Outcome out = run({.algorithm = CongestionControl::kNewReno, .rtt_ms = 20});
  expect_nothing_wasted(out);
  EXPECT_GT(out.dropped, 1000U);  // else this shows nothing
  EXPECT_LE(out.recoveries, 5U);
  EXPECT_GT(out.share, 0.96);
}

// The same with 100 ms: of the four seconds the handshake and slow start take one.
TEST(GoodputOfNewReno, TensOfThousandsOutstandingAreToldApart) {
  const Outcome out = run({.algorithm = CongestionControl::kNewReno, .rtt_ms = 100});
  expect_nothing_wasted(out);
  EXPECT_GT(out.dropped, 2500U);
  EXPECT_GT(out.share, 0.76);
}

// Trains of acknowledgments tell when the path is full, before its queue is, also where the path reorders.
TEST(GoodputOfCubic, SlowStartEndsBeforeAnythingIsLost) {
  for (const std::int64_t rtt_ms : {20, 100}) {
    for (const bool reorder : {false, true}) {
      const Outcome out = run({.algorithm = CongestionControl::kCubic, .rtt_ms = rtt_ms, .reorder = reorder});
      EXPECT_EQ(out.broken, nullptr) << out.broken;
      EXPECT_EQ(out.dropped, 0U) << rtt_ms << " ms" << (reorder ? ", reordered" : "");
      EXPECT_GT(out.share, rtt_ms == 20 ? 0.96 : 0.76);
    }
  }
}

// New data between retransmissions is not taken for older than they are.
TEST_P(Goodput, RecoverySendsNothingTwiceThatArrived) {
  const Outcome out = run({.algorithm = GetParam(), .loss = 10, .rtt_ms = 20});
  EXPECT_EQ(out.broken, nullptr) << out.broken;
  EXPECT_EQ(out.timeouts, 0U);
  EXPECT_LE(out.resent, out.dropped + out.dropped / 10 + 15) << "of " << out.dropped << " lost";
}

// With holes in every window one recovery follows the other, and retransmissions of the one before arrive in the next. They
// are not taken for originals that were late.
TEST_P(Goodput, NothingIsUndoneWhereNothingIsReordered) {
  for (const std::uint32_t loss : {1U, 10U}) {
    const Outcome out = run({.algorithm = GetParam(), .loss = loss, .rtt_ms = 100, .ms = 3000});
    EXPECT_EQ(out.broken, nullptr) << out.broken;
    EXPECT_GE(out.recoveries, 4U) << loss;
    EXPECT_EQ(out.undone, 0U) << loss;
  }
}

// Its window is 2.89 times what the path holds, the queue as much again as the path: a round trip of that overruns it, not
// three, and what is sent again finds room.
TEST(GoodputOfBbr, StartupEndsInAQueueThatIsMended) {
  struct Path {
    std::int64_t rtt_ms;
    double share;
    std::uint64_t dropped;
  };
  for (const Path path : {Path{20, 0.96, 1000}, Path{100, 0.75, 4000}}) {
    const Outcome out = run({.algorithm = CongestionControl::kBbr, .rtt_ms = path.rtt_ms});
    expect_nothing_wasted(out);
    EXPECT_GT(out.share, path.share) << path.rtt_ms;
    EXPECT_LT(out.dropped, path.dropped) << path.rtt_ms;
  }
}

// Losses by chance do not hold up STARTUP, though recovery follows on recovery.
TEST(GoodputOfBbr, FindsTheBandwidthThroughLoss) {
  for (const std::uint64_t seed : {1U, 2U}) {
    const Outcome out = run({.algorithm = CongestionControl::kBbr, .loss = 30, .rtt_ms = 100, .seed = seed, .ms = 3000});
    EXPECT_EQ(out.broken, nullptr) << out.broken;
    EXPECT_LE(out.timeouts, 1U) << seed;
    EXPECT_GT(out.share, 0.45) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Goodput,
                         ::testing::Values(CongestionControl::kNewReno, CongestionControl::kCubic, CongestionControl::kBbr),
                         [](const auto& one) { return std::string(congestion_control_name(one.param)); });

}  // namespace
}  // namespace sluice::test
