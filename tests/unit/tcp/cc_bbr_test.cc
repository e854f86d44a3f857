// SPDX-License-Identifier: BSD-3-Clause
// BBR's states, model, rate and window, on a path of its own. States are reached by what arrives,
// but for a queue behind a hole, whose numbers are given.
#include <algorithm>
#include <vector>

#include "unit/tcp/bbr_path.h"

namespace sluice::tcp {
namespace {

// 4.3.2: the window and the rate double until the rate of delivery does not.
TEST(Bbr, StartupFindsTheBandwidth) {
  Path p;
  p.run(Duration::milliseconds(10));
  EXPECT_EQ(p.model().state, BbrState::kStartup);
  EXPECT_EQ(p.model().pacing_gain, bbr::kHighGain);
  EXPECT_EQ(p.model().cwnd_gain, bbr::kHighGain);
  ASSERT_TRUE(p.reach(BbrState::kDrain, Duration::seconds(2)));
  EXPECT_TRUE(p.model().filled_pipe);
  EXPECT_NEAR(p.model().btl_bw, p.link(), p.link() / 20);
  EXPECT_NEAR(p.model().rt_prop_us, 40'500, 1000) << "and a segment's time on the link";
  EXPECT_GT(in_flight(p.tcb), p.bdp());
}

// 4.3.3
TEST(Bbr, DrainEmptiesTheQueueThatStartupFilled) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kDrain));
  EXPECT_LT(p.model().pacing_rate, p.model().btl_bw / 2);
  ASSERT_TRUE(p.reach(BbrState::kProbeBw, Duration::seconds(1)));
  EXPECT_LE(in_flight(p.tcb), p.bdp() + 6 * kSegment);
  EXPECT_EQ(p.model().cwnd_gain, bbr::kCwndGain);
}

// An application that sends less than the path takes leaves STARTUP as it is: its rounds without growth prove nothing.
TEST(Bbr, StartupWaitsForAnApplicationThatSendsLittle) {
  Path p;
  p.greedy(false);
  for (int i = 0; i < 100; ++i) {
    p.write(3 * kSegment);
    p.run(Duration::milliseconds(20));
  }
  EXPECT_EQ(p.model().state, BbrState::kStartup);
  EXPECT_FALSE(p.model().filled_pipe);
}

// Nor do those in which the peer's window is what limits, while it grows: by a sixteenth a round trip.
TEST(Bbr, StartupWaitsForAWindowThatGrows) {
  constexpr std::uint32_t kFirst = 71'680;
  Path p(8000, 40, kFirst);
  for (std::uint32_t window = kFirst; window < p.bdp() / 2; window += window / 16 / 128 * 128) {
    p.ack(p.una(), window);
    p.run(Duration::milliseconds(41));
  }
  EXPECT_EQ(p.model().state, BbrState::kStartup);
  EXPECT_LT(p.model().btl_bw, p.link() * 2 / 3);
  p.ack(p.una(), 4U << 20U);
  ASSERT_TRUE(p.reach(BbrState::kDrain, Duration::seconds(2)));
  EXPECT_NEAR(p.model().btl_bw, p.link(), p.link() / 20);
}

// A receiver that never announces more is as good as a path that has no more.
TEST(Bbr, StartupEndsAtAWindowThatStays) {
  Path p(8000, 40, 102'400);
  ASSERT_TRUE(p.reach(BbrState::kProbeBw, Duration::seconds(1)));
  EXPECT_NEAR(p.model().btl_bw, pacing::rate_of(102'400, 40'000), p.link() / 20);
}

TEST(Bbr, AFullWindowBehindAHoleIsNotThePaths) {
  Path p(8000, 40, 102'400);
  const auto full = [&] { return window_left(p.tcb) < kSegment && pipe(p.tcb, p.env()) + kSegment <= p.tcb.cwnd; };
  ASSERT_TRUE(p.run_until(Duration::seconds(1), full));
  ASSERT_EQ(p.model().state, BbrState::kStartup);
  BbrModel b = p.model();
  b.peer_window_grows = false;
  bbr::after_send(p.tcb, b, 0, 0, p.env());
  EXPECT_FALSE(b.sent_all);
  b.recovering = true;
  bbr::after_send(p.tcb, b, 0, 0, p.env());
  EXPECT_TRUE(b.sent_all);
  b.filled_pipe = true;
  bbr::after_send(p.tcb, b, 0, 0, p.env());
  EXPECT_FALSE(b.sent_all) << "STARTUP alone waits";
}

// But what came meanwhile is more than the path holds, at the rate that was known: it waited in a queue.
TEST(Bbr, StartupEndsAtAQueueBehindAHoleToo) {
  for (const bool recovering : {false, true}) {
    Path p(8000, 40, 102'400);
    ASSERT_TRUE(p.run_until(Duration::seconds(1), [&] { return p.model().btl_bw > p.link() / 10; }));
    BbrModel& b = *congestion::model_of(p.tcb, p.env());
    b.btl_bw = b.round_bw[b.round] = b.full_bw = p.link();
    b.delivery.limited_stamps = UINT32_MAX;
    const auto rounds = [&](unsigned n) {
      for (unsigned i = 0; i < n; ++i) {
        b.recovering = recovering;
        b.recovery_end = p.tcb.snd_nxt + 1;
        p.tcb.flags |= kInRecovery;
        const std::uint32_t left_us = p.env().now_us();
        bbr::after_send(p.tcb, b, kSegment, kSegment, p.env());
        b.delivery.limited_stamps = UINT32_MAX;
        p.now = p.now + Duration::milliseconds(80);  // two round trips' worth, in twice the time
        bbr::acked(p.tcb, b, {.delivered = 2 * p.bdp(), .newest_us = left_us, .dated = true}, p.env());
      }
    };
    rounds(2);
    EXPECT_EQ(b.state, BbrState::kStartup);
    rounds(3);
    EXPECT_EQ(b.filled_pipe, recovering);
    p.tcb.flags &= ~kInRecovery;
  }
}

// Samples with the peer's window full are the path's: the filter must be able to fall.
TEST(Bbr, BandwidthFallsAtAFullWindowToo) {
  Path p(8000, 40, 512'000);
  ASSERT_TRUE(p.reach(BbrState::kProbeBw, Duration::seconds(5)));
  p.set_rate(4000);
  p.run(Duration::seconds(5));
  EXPECT_NEAR(p.model().btl_bw, p.link(), p.link() / 10);
}

// 4.3.4: five quarters, three quarters, six times one.
TEST(Bbr, ProbeBwCyclesThroughItsGains) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  EXPECT_NE(p.model().cycle_index, 1) << "it does not begin with draining";
  std::vector<std::uint16_t> gains;
  unsigned last = p.model().cycle_index;
  p.run_until(Duration::milliseconds(1500), [&] {
    if (p.model().cycle_index != last) {
      EXPECT_EQ(p.model().cycle_index, (last + 1) % 8);
      last = p.model().cycle_index;
      gains.push_back(p.model().pacing_gain);
    }
    return false;
  });
  ASSERT_GE(gains.size(), 16U);
  EXPECT_EQ(std::count(gains.begin(), gains.begin() + 8, 320), 1);
  EXPECT_EQ(std::count(gains.begin(), gains.begin() + 8, 192), 1);
  EXPECT_EQ(std::count(gains.begin(), gains.begin() + 8, 256), 6);
}

TEST(Bbr, FillsThePathAndNotMuchMore) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::seconds(1));
  const std::uint32_t before = p.una();
  p.run(Duration::seconds(4));
  EXPECT_GT(p.una() - before, 4000 * 2000 * 95 / 100);
  EXPECT_LT(p.on_its_way(), p.bdp() * 3 / 2);
}

// 4.1.1.3: what was measured more than ten round trips ago is forgotten, and not before.
TEST(Bbr, BandwidthIsTheHighestOfTenRounds) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::seconds(1));
  const Path::Rate before = p.model().btl_bw;
  p.set_rate(1000);
  p.run(Duration::milliseconds(150));
  EXPECT_EQ(p.model().btl_bw, before);
  p.run(Duration::seconds(2));
  EXPECT_NEAR(p.model().btl_bw, p.link(), p.link() / 10);
}

TEST(Bbr, ProbingFindsMoreBandwidth) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.set_rate(4000);
  p.run(Duration::seconds(3));
  EXPECT_NEAR(p.model().btl_bw, p.link(), p.link() / 20);
}

// 4.3.5: a round trip not seen again for ten seconds is measured anew, with four segments in flight for 200 ms.
TEST(Bbr, ProbeRttAfterTenSeconds) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  const Instant began = p.now;
  p.set_rtt(60);
  const std::uint32_t cwnd = p.tcb.cwnd;
  ASSERT_TRUE(p.reach(BbrState::kProbeRtt, Duration::seconds(12)));
  EXPECT_GT((p.now - began).ms(), 9'000) << "it was seen a while before";
  p.run(Duration::milliseconds(130));
  EXPECT_EQ(p.tcb.cwnd, bbr::kMinPipeSegments * kSegment);
  EXPECT_LE(in_flight(p.tcb), bbr::kMinPipeSegments * kSegment);
  const Instant small = p.now;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw, Duration::seconds(1)));
  EXPECT_GE((p.now - small).ms(), 130) << "200 ms, of which 70 at most have passed";
  EXPECT_GE(p.tcb.cwnd, cwnd) << "restored";
  EXPECT_NEAR(p.model().rt_prop_us, 60'500, 1500);
}

TEST(Bbr, NoProbeRttWhileTheRoundTripIsSeenAgain) {
  Path p;
  p.greedy(false);
  bool probed = false;
  for (int i = 0; i < 300; ++i) {  // a request and its answer, ten times a second: the queue is empty each time
    p.write(20 * kSegment);
    p.run_until(Duration::milliseconds(100), [&] {
      probed = probed || p.model().state == BbrState::kProbeRtt;
      return false;
    });
  }
  EXPECT_FALSE(probed);
}

// The application's rate is not the path's.
TEST(Bbr, SamplesOfAnIdleApplicationDoNotLowerTheEstimate) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.run(Duration::milliseconds(500));
  p.greedy(false);
  p.run_until(Duration::seconds(3), [&] { return unsent(p.tcb) == 0; });
  const Path::Rate before = p.model().btl_bw;
  for (int i = 0; i < 150; ++i) {
    p.write(2 * kSegment);
    p.run(Duration::milliseconds(20));
  }
  EXPECT_GT(p.model().btl_bw, before / 10 * 9);
}

// 4.3.4.4: after a pause at the rate measured, neither from the initial window nor with a burst.
TEST(Bbr, RestartsFromAPauseAtItsRate) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.greedy(false);
  ASSERT_TRUE(p.run_until(Duration::seconds(5), [&] { return in_flight(p.tcb) == 0 && unsent(p.tcb) == 0; }));
  p.run(Duration::seconds(3));
  const std::uint32_t cwnd = p.tcb.cwnd;
  const auto depth = pacing::depth(p.model().btl_bw, kSegment);
  p.write(200 * kSegment);
  EXPECT_EQ(p.tcb.cwnd, cwnd);
  EXPECT_LE(in_flight(p.tcb), depth);
  EXPECT_EQ(p.model().pacing_rate, p.model().btl_bw);
  EXPECT_TRUE(p.model().idle_restart);
}

// Quiet for ten seconds: the model is too old, and given back.
TEST(Bbr, ModelIsGivenBackAfterTenSeconds) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  p.greedy(false);
  ASSERT_TRUE(p.run_until(Duration::seconds(5), [&] { return in_flight(p.tcb) == 0 && unsent(p.tcb) == 0; }));
  p.now = p.now + Duration::seconds(9);
  EXPECT_TRUE(rest(p.tcb, p.env()).armed());
  EXPECT_TRUE(p.has_model());
  p.now = p.now + Duration::seconds(2);
  EXPECT_FALSE(rest(p.tcb, p.env()).armed());
  EXPECT_FALSE(p.has_model());
  EXPECT_EQ(p.models.used(), 0U);
  p.write(100 * kSegment);
  EXPECT_EQ(in_flight(p.tcb), 10 * kSegment) << "and starts anew from the initial window";
}

TEST(Bbr, AnotherAlgorithmGivesTheModelBack) {
  Path p;
  ASSERT_TRUE(p.reach(BbrState::kProbeBw));
  EXPECT_EQ(p.models.used(), 1U);
  const std::uint32_t cwnd = p.tcb.cwnd;
  p.params.congestion = CongestionControl::kNewReno;
  params_changed(p.tcb, p.env());
  p.turn();
  EXPECT_EQ(p.models.used(), 0U);
  EXPECT_EQ(p.tcb.ssthresh, cwnd) << "the window it found is no place for slow start";
  p.run(Duration::seconds(1));
  p.params.congestion = CongestionControl::kBbr;
  params_changed(p.tcb, p.env());
  p.run(Duration::seconds(2));
  EXPECT_NEAR(p.model().btl_bw, p.link(), p.link() / 10);
}

TEST(Bbr, WithoutAModelItIsReno) {
  Path p;
  while (p.models.take() != kNoIndex) {
  }
  p.run(Duration::milliseconds(300));
  EXPECT_FALSE(p.has_model());
  EXPECT_GT(p.counters.congestion_blocks_exhausted, 0U);
  EXPECT_GT(p.tcb.cwnd, 20 * kSegment) << "slow start";
  congestion::loss(p.tcb, p.tcb.cwnd, p.env());
  EXPECT_NE(p.tcb.ssthresh, kNoSsthresh);
  for (std::uint32_t i = 0; i < 4; ++i) p.models.give(i);
}

// It has no answer to a mark, so it asks for none.
TEST(Bbr, DoesWithoutEcn) {
  EXPECT_FALSE(wants_ecn(Params{.congestion = CongestionControl::kBbr, .ecn = true}));
  EXPECT_TRUE(wants_ecn(Params{.congestion = CongestionControl::kCubic, .ecn = true}));
}

}  // namespace
}  // namespace sluice::tcp
