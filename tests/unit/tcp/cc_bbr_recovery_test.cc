// SPDX-License-Identifier: BSD-3-Clause
// BBR when something is lost (draft-cardwell-iccrg-bbr-congestion-control-00, 4.2.3.4): packet conservation, what ends
// STARTUP, late originals, timeouts.
#include <gtest/gtest.h>

#include "unit/tcp/bbr_path.h"

namespace sluice::tcp {
namespace {

// 4.2.3.4: packet conservation for a round trip; then cwnd is what it was.
TEST(Bbr, RecoveryConservesPacketsAndRestoresTheWindow) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::milliseconds(300));
  const std::uint32_t cwnd = p.tcb.cwnd;
  const Path::Rate bw = p.model().btl_bw;
  p.lose_all();
  const std::uint32_t una = p.una();
  const std::uint32_t n = in_flight(p.tcb) / kSegment;
  // The first ten are lost, one report a millisecond of the others.
  for (std::uint32_t i = 11; i <= n && (p.tcb.flags & kInRecovery) == 0; ++i) {
    p.now = p.now + Duration::milliseconds(1);
    p.ack(una, {{una + 10 * kSegment, una + i * kSegment}});
  }
  ASSERT_NE(p.tcb.flags & kInRecovery, 0U);
  EXPECT_TRUE(p.model().packet_conservation);
  EXPECT_EQ(p.tcb.ssthresh, kNoSsthresh) << "PRR has no part in it";
  EXPECT_LE(p.tcb.cwnd, pipe(p.tcb, p.env()) + 4 * kSegment);
  EXPECT_LT(p.tcb.cwnd, cwnd);
  p.lose_all();
  p.now = p.now + Duration::milliseconds(40);
  p.ack(p.nxt());
  EXPECT_EQ(p.tcb.flags & kInRecovery, 0U);
  EXPECT_FALSE(p.model().recovering);
  EXPECT_GE(p.tcb.cwnd, std::min(cwnd, bbr::inflight(p.tcb, p.model(), bbr::kCwndGain)));
  EXPECT_GE(p.model().btl_bw, bw / 10 * 9) << "a loss says nothing of the bandwidth";
}

// Where each window has losses that are no congestion, a round trip of conservation in each would halve STARTUP's pace.
TEST(Bbr, StartupGrowsThroughALoss) {
  Path p;
  ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return p.tcb.cwnd >= 40 * kSegment; }));
  ASSERT_EQ(p.model().state, BbrState::kStartup);
  p.lose_all();
  const std::uint32_t una = p.una();
  const std::uint32_t cwnd = p.tcb.cwnd;
  p.now = p.now + Duration::milliseconds(40);
  p.ack(una, {{una + kSegment, p.nxt()}});  // the first is lost
  ASSERT_NE(p.tcb.flags & kInRecovery, 0U);
  EXPECT_TRUE(p.model().recovering);
  EXPECT_FALSE(p.model().packet_conservation);
  EXPECT_GE(p.tcb.cwnd, cwnd);
}

// A loss when the round trip has doubled. Retransmissions and new segments take the places of what arrives until the
// round is over; then STARTUP is.
TEST(Bbr, StartupEndsWhenItOverrunsTheQueue) {
  Path p;
  ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return in_flight(p.tcb) >= 2 * p.bdp(); }));
  ASSERT_EQ(p.model().state, BbrState::kStartup);
  p.lose_all();
  p.now = p.now + Duration::milliseconds(20);
  for (int i = 0; i < 20; ++i) {
    p.now = p.now + Duration::microseconds(500);
    p.ack(p.una() + kSegment);
  }
  const std::uint32_t una = p.una();
  const std::uint32_t flight = in_flight(p.tcb);
  p.ack(una, {{una + kSegment, una + 11 * kSegment}});
  ASSERT_NE(p.tcb.flags & kInRecovery, 0U);
  EXPECT_TRUE(p.model().packet_conservation);
  EXPECT_LE(p.tcb.cwnd, flight);
  EXPECT_EQ(p.model().state, BbrState::kStartup);
  for (Path::Rate& bw : congestion::model_of(p.tcb, p.env())->round_bw) bw = 2 * p.link();  // and no more comes
  const std::uint32_t end = p.nxt();
  p.pass(Duration::milliseconds(80));
  p.ack(una, {{una + kSegment, end}});
  p.pass(Duration::milliseconds(1));
  p.ack(una, {{una + kSegment, p.nxt()}});
  EXPECT_TRUE(p.model().filled_pipe);
  EXPECT_NE(p.model().state, BbrState::kStartup);
  EXPECT_FALSE(p.model().packet_conservation);
}

// One acknowledgment that was held up is no queue.
TEST(Bbr, ARoundTripThatWasHeldUpIsNoQueue) {
  Path p;
  ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return p.tcb.cwnd >= 40 * kSegment; }));
  p.lose_all();
  const std::uint32_t una = p.una();
  p.now = p.now + Duration::milliseconds(120);
  p.ack(una, {{una + kSegment, una + 11 * kSegment}});
  ASSERT_NE(p.tcb.flags & kInRecovery, 0U);
  EXPECT_FALSE(p.model().packet_conservation);
}

// The recovery began with a loss by chance, the queue grew behind it.
TEST(Bbr, StartupConservesPacketsFromTheRoundOnThatHasAQueue) {
  Path p;
  ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return p.tcb.cwnd >= 40 * kSegment; }));
  p.lose_all();
  const std::uint32_t una = p.una();
  p.now = p.now + Duration::milliseconds(40);
  p.ack(una, {{una + kSegment, p.nxt()}});
  ASSERT_FALSE(p.model().packet_conservation);
  bool conserved = false;
  for (int round = 0; round < 3 && !p.model().filled_pipe; ++round) {
    conserved = conserved || p.model().packet_conservation;
    const std::uint32_t end = p.nxt();
    p.pass(Duration::milliseconds(80));
    p.ack(una, {{una + kSegment, end}});
  }
  EXPECT_TRUE(conserved);
  EXPECT_TRUE(p.model().filled_pipe);
}

// Without a loss it takes the rounds that show no growth.
TEST(Bbr, ALongQueueAloneDoesNotEndStartup) {
  Path p;
  ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return p.has_model() && p.model().queue_is_long; }));
  const std::uint8_t round = p.model().round;
  ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return p.model().round != round; }));
  EXPECT_EQ(p.model().state, BbrState::kStartup);
  EXPECT_FALSE(p.model().packet_conservation);
}

// STARTUP behind a long queue, with a hole at SND.UNA: packets are conserved. The end of what left before that.
std::uint32_t overrun(Path& p) {
  EXPECT_TRUE(p.run_until(Duration::seconds(1), [&] { return in_flight(p.tcb) >= 2 * p.bdp() && p.model().queue_is_long; }));
  p.lose_all();
  const std::uint32_t end = p.nxt();
  p.now = p.now + Duration::milliseconds(20);
  p.ack(p.una(), {{p.una() + kSegment, p.una() + 11 * kSegment}});
  EXPECT_TRUE(p.model().packet_conservation);
  return end;
}

// The queue was somebody else's, and is gone: STARTUP goes on.
TEST(Bbr, StartupGoesOnWhenTheQueueIsGone) {
  Path p;
  const std::uint32_t end = overrun(p);
  const std::uint32_t una = p.una();
  p.pass(Duration::milliseconds(20));
  for (std::uint32_t i = 1; i <= 12; ++i) {
    p.pass(Duration::microseconds(500));
    p.ack(una, {{una + kSegment, una + 11 * kSegment}, {end - 12 * kSegment, end - (12 - i) * kSegment}});
  }
  EXPECT_FALSE(p.model().queue_is_long);
  const std::uint32_t all = p.nxt();
  p.pass(Duration::milliseconds(40));
  p.ack(una, {{una + kSegment, all}});
  EXPECT_FALSE(p.model().packet_conservation);
  EXPECT_FALSE(p.model().filled_pipe);
}

// More came than in any round before: the path is not full, whoever fills the queue.
TEST(Bbr, StartupGoesOnWhenTheBandwidthGrewBehindTheQueue) {
  Path p;
  overrun(p);
  BbrModel& b = *congestion::model_of(p.tcb, p.env());
  for (std::uint32_t& bw : b.round_bw) bw = 0;
  const std::uint32_t una = p.una();
  const std::uint32_t end = p.nxt();
  p.pass(Duration::milliseconds(80));
  p.ack(una, {{una + kSegment, end}});
  p.pass(Duration::milliseconds(1));
  p.ack(una, {{una + kSegment, p.nxt()}});
  EXPECT_FALSE(p.model().filled_pipe);
}

TEST(Bbr, ATimeoutForgetsTheQueue) {
  Path p;
  overrun(p);
  p.pass(Duration::seconds(2));
  ASSERT_NE(p.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_FALSE(p.model().queue_is_long);
  EXPECT_FALSE(p.model().packet_conservation);
}

// Losses among what a recovery sent are repaired in a second one, which begins with no round trip of conservation.
TEST(Bbr, RecoveriesThatFollowAtOnceConserveOnce) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::milliseconds(300));
  const std::uint32_t cwnd = p.tcb.cwnd;
  p.lose_all();
  const std::uint32_t una = p.una();
  const std::uint32_t middle = p.nxt();
  p.ack(una, {{una + kSegment, middle - 40 * kSegment}});  // the first is lost
  ASSERT_TRUE(p.model().packet_conservation);
  p.pass(Duration::milliseconds(20));
  p.ack(una, {{una + kSegment, middle}});
  const std::uint32_t right = p.nxt();
  ASSERT_GT(right, middle + 10 * kSegment);
  p.pass(Duration::milliseconds(35));
  p.sent_text();
  p.ack(una, {{una + kSegment, middle}, {middle + kSegment, middle + 3 * kSegment}});  // and the first of what came then
  ASSERT_GT(p.counters.mib.RetransSegs, 1U);
  p.pass(Duration::milliseconds(1));
  p.ack(middle, {{middle + kSegment, middle + 3 * kSegment}});
  ASSERT_EQ(p.tcb.flags & kInRecovery, 0U);
  EXPECT_TRUE(p.model().recovering) << "a retransmission is under way";
  EXPECT_FALSE(p.model().packet_conservation);
  p.pass(Duration::milliseconds(1));
  const std::uint32_t before = p.tcb.cwnd;
  p.ack(middle, {{middle + 4 * kSegment, right}, {middle + kSegment, middle + 3 * kSegment}});
  ASSERT_NE(p.tcb.flags & kInRecovery, 0U);
  EXPECT_EQ(p.counters.fast_retransmits, 2U);
  EXPECT_FALSE(p.model().packet_conservation);
  EXPECT_GE(p.tcb.cwnd + kSegment, before);
  p.pass(Duration::milliseconds(40));
  p.ack(p.nxt());
  p.pass(Duration::milliseconds(40));
  p.ack(p.nxt());
  EXPECT_FALSE(p.model().recovering);
  EXPECT_GE(p.tcb.cwnd, std::min(cwnd, bbr::inflight(p.tcb, p.model(), bbr::kCwndGain)));
}

// A late original that is taken for its retransmission, sent a moment ago, would end the round trip at once.
TEST(Bbr, ALateOriginalBeginsNoRoundTrip) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::milliseconds(300));
  p.lose_all();
  const std::uint32_t una = p.una();
  p.pass(Duration::milliseconds(10));
  p.ack(una, {{una + 2 * kSegment, una + 8 * kSegment}});
  ASSERT_TRUE(p.model().packet_conservation);
  const std::uint8_t round = p.model().round;
  p.pass(Duration::milliseconds(5));
  p.ack(una + kSegment);
  ASSERT_NE(p.tcb.flags & kInRecovery, 0U);
  EXPECT_TRUE(p.model().packet_conservation);
  EXPECT_EQ(p.model().round, round);
}

// What was reported before a timeout, and is forgotten then, is not delivered a second time.
TEST(Bbr, ReportsThatATimeoutForgotCountOnce) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::milliseconds(300));
  p.lose_all();
  p.greedy(false);
  p.ack(p.una(), {{p.una() + kSegment, p.nxt()}});
  for (int i = 0; i < 1000 && (p.tcb.flags & kInRtoRecovery) == 0; ++i) {
    p.now = p.deadline();
    p.fire();
  }
  ASSERT_NE(p.tcb.flags & kInRtoRecovery, 0U);
  p.pass(Duration::milliseconds(40));
  p.ack(p.nxt());
  EXPECT_EQ(p.model().delivery.delivered, p.una());
}

TEST(Bbr, TimeoutStartsFromASegmentAndRestoresTheWindow) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::milliseconds(300));
  p.lose_all();
  p.greedy(false);
  const std::uint32_t cwnd = p.tcb.cwnd;
  for (int i = 0; i < 1000 && (p.tcb.flags & kInRtoRecovery) == 0; ++i) {
    p.now = p.deadline();
    p.fire();
    if ((p.tcb.flags & kInRtoRecovery) == 0) p.lose_all();
  }
  ASSERT_NE(p.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_EQ(p.tcb.cwnd, kSegment);
  EXPECT_TRUE(p.model().recovering);
  ASSERT_TRUE(p.run_until(Duration::seconds(20), [&] { return (p.tcb.flags & kInRtoRecovery) == 0; }));
  p.write(kSegment);
  p.run(Duration::milliseconds(100));
  EXPECT_FALSE(p.model().recovering);
  EXPECT_GE(p.tcb.cwnd, std::min(cwnd, bbr::inflight(p.tcb, p.model(), bbr::kCwndGain)));
}

}  // namespace
}  // namespace sluice::tcp
