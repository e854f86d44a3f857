// SPDX-License-Identifier: BSD-3-Clause
// CUBIC's window against figures worked out from RFC 9438's formulas with C = 0.4 and
// beta = 0.7; segments of 1000 bytes, so that a window in bytes reads as one in segments.
#include "tcp/cc_cubic.h"

#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

// A connection whose acknowledgments are values: the window is always in use unless a test says otherwise.
class Flow : public OneConnection {
 public:
  explicit Flow(std::uint32_t rtt_ms) : OneConnection(Params{.congestion = CongestionControl::kCubic}), rtt_ms_(rtt_ms) {
    tcb.mss = 1000;
    tcb.srtt_us8 = rtt_ms * 8000;
  }
  Flow& avoiding(std::uint32_t cwnd) {
    tcb.cwnd = tcb.ssthresh = cwnd;
    return *this;
  }
  // Acknowledgments of two segments each, a window's worth a round trip, for so long.
  void run_ms(std::uint32_t ms) {
    const Instant end = now + Duration::milliseconds(ms);
    while (now < end) {
      const std::uint32_t acks = std::max(tcb.cwnd / 2000, 1U);
      now = now + Duration{std::int64_t{rtt_ms_} * 1'000'000 / acks};
      ack(2000, tcb.cwnd);
    }
  }
  void ack(std::uint32_t bytes, std::uint32_t flight) {
    tcb.snd_una += bytes;
    congestion::acked(tcb, AckSample{.acked = bytes, .flight = flight, .rtt_us = rtt_ms_ * 1000, .delivered = bytes}, env());
  }
  void lose() { congestion::loss(tcb, tcb.cwnd, env()); }

 private:
  std::uint32_t rtt_ms_;
};

// (2): K = ((W_max - cwnd_epoch) / C)^(1/3): (30 / 0.4)^(1/3) = 4.2172 s, (300 / 0.4)^(1/3) = 9.0856 s.
TEST(CubicCurve, TimeToTheOriginOfTheCurve) {
  EXPECT_EQ(cubic::k_ms(100'000, 70'000, 1000), 4217U);
  EXPECT_EQ(cubic::k_ms(1'000'000, 700'000, 1000), 9085U);
  EXPECT_EQ(cubic::k_ms(146'000, 102'200, 1460), 4217U);
  EXPECT_EQ(cubic::k_ms(1U << 30U, 1, 24), 481'810U) << "(2^30 / 24 / 0.4)^(1/3) s";
}

// (1): W_cubic(t) = 0.4 (t - 4.217)^3 + 100.
TEST(CubicCurve, ConcaveThenConvex) {
  const auto w = [](std::uint32_t t_ms) { return cubic::w_cubic(t_ms, 4217, 100'000, 1000); };
  EXPECT_NEAR(w(0), 70'000, 5);
  EXPECT_NEAR(w(1000), 86'681, 5);
  EXPECT_NEAR(w(2000), 95'640, 5);
  EXPECT_NEAR(w(3000), 99'279, 5);
  EXPECT_EQ(w(4217), 100'000U);
  EXPECT_NEAR(w(5000), 100'192, 5);
  EXPECT_NEAR(w(8000), 121'653, 5);
}

TEST(CubicCurve, NeitherOverflowsNorFallsBelowNothing) {
  EXPECT_EQ(cubic::w_cubic(0xffffffff, 0, 1U << 30U, 65535), 1U << 30U);
  EXPECT_EQ(cubic::w_cubic(0, 400'000, 1000, 1460), 0U);
}

// 4.6
TEST(Cubic, LossMultipliesBySevenTenths) {
  Flow f(100);
  f.avoiding(100'000).lose();
  EXPECT_EQ(f.tcb.ssthresh, 70'000U);
  EXPECT_EQ(f.tcb.cwnd, 70'000U);
  f.tcb.cwnd = 2000;
  f.lose();
  EXPECT_EQ(f.tcb.ssthresh, 2000U) << "at least two segments";
}

TEST(Cubic, WindowFollowsTheCurve) {
  Flow f(100);
  f.avoiding(100'000).lose();
  f.run_ms(1000);
  EXPECT_NEAR(f.tcb.cwnd, 86'681, 1000);
  f.run_ms(1000);
  EXPECT_NEAR(f.tcb.cwnd, 95'640, 1000);
  f.run_ms(2000);
  EXPECT_NEAR(f.tcb.cwnd, 99'996, 1000);
}

// 4.4: one round trip never adds more than half the window, however steep the curve is.
TEST(Cubic, AtMostHalfAsMuchAgainARoundTrip) {
  Flow f(10'000);
  f.avoiding(20'000);
  f.ack(2000, 20'000);
  const std::uint32_t before = f.tcb.cwnd;
  f.advance(Duration::seconds(100));
  f.ack(before, before);
  EXPECT_EQ(f.tcb.cwnd, before + before / 2);
}

// 4.3: from 70 on by 9/17 a round trip: 0.5 s are 50 of them, 96.5; at 100, cwnd_prior, after 0.567 s; then 1 each.
TEST(Cubic, RenoFriendlyRegionOnAShortPath) {
  Flow f(10);
  f.avoiding(100'000).lose();
  f.run_ms(500);
  EXPECT_NEAR(f.tcb.cwnd, 96'470, 1500);
  f.run_ms(500);
  EXPECT_NEAR(f.tcb.cwnd, 143'300, 3000);
}

// 4.7: the window did not get back to 100, so it aims at 0.85 * 80 only; K = ((68 - 56) / 0.4)^(1/3) = 3.107 s.
// 4.3 where segments are whole: of 5.6 five are acknowledged a round trip, and 17/9 of five bring one, before W_est
// has reached what the window was (8).
TEST(Cubic, RenoFriendlyRegionOfAWindowWithAPartOfASegment) {
  Flow f(1);
  f.avoiding(8000).lose();
  ASSERT_EQ(f.tcb.cwnd, 5600U);
  int segments = 0;
  while (f.tcb.cwnd < 6000 && segments < 100) {
    f.now = f.now + Duration::microseconds(200);
    f.ack(1000, 5000);
    ++segments;
  }
  EXPECT_NEAR(segments, 5 * 17 / 9.0, 1);
}

TEST(Cubic, FastConvergence) {
  Flow f(100);
  f.avoiding(100'000).lose();
  f.tcb.cwnd = 80'000;
  f.lose();
  EXPECT_EQ(f.tcb.ssthresh, 56'000U);
  const Cubic& cubic = congestion::state_of(f.tcb, f.env())->cubic;
  EXPECT_EQ(cubic.now.w_max, 68'000U);
  f.ack(2000, 56'000);
  EXPECT_EQ(cubic.now.k_ms, 3107U);
  f.tcb.cwnd = 90'000;
  f.lose();
  EXPECT_EQ(cubic.now.w_max, 90'000U) << "above 68: no yielding";
}

// 4.8: one segment, ssthresh by beta; the next stage starts in the middle of the curve: 70 + 0.4 * 5^3 = 120 after 5 s.
TEST(Cubic, TimeoutStartsOverAtTheMiddleOfTheCurve) {
  Flow f(1000);
  f.avoiding(100'000);
  congestion::timeout(f.tcb, 100'000, true, f.env());
  EXPECT_EQ(f.tcb.cwnd, 1000U);
  EXPECT_EQ(f.tcb.ssthresh, 70'000U);
  congestion::timeout(f.tcb, 1000, false, f.env());
  EXPECT_EQ(f.tcb.ssthresh, 70'000U) << "only the first of a row";
  while (f.tcb.cwnd < f.tcb.ssthresh) f.ack(2000, f.tcb.cwnd);
  f.tcb.cwnd = 70'000;
  f.ack(2000, 70'000);
  EXPECT_EQ(congestion::state_of(f.tcb, f.env())->cubic.now.k_ms, 0U);
  f.run_ms(5000);
  EXPECT_NEAR(f.tcb.cwnd, 120'000, 20'000);
}

// 4.9: a congestion event that was none leaves no trace.
TEST(Cubic, UndoRestoresTheCurve) {
  Flow f(100);
  f.avoiding(100'000).lose();
  f.run_ms(2000);
  const Cubic::Curve curve = congestion::state_of(f.tcb, f.env())->cubic.now;
  const std::uint32_t cwnd = f.tcb.cwnd;
  const std::uint32_t ssthresh = f.tcb.ssthresh;
  f.lose();
  ASSERT_LT(f.tcb.cwnd, cwnd);
  congestion::undo(f.tcb, cwnd, ssthresh, f.env());
  EXPECT_EQ(f.tcb.cwnd, cwnd);
  EXPECT_EQ(f.tcb.ssthresh, ssthresh);
  const Cubic& cubic = congestion::state_of(f.tcb, f.env())->cubic;
  EXPECT_EQ(cubic.now.w_max, curve.w_max);
  EXPECT_EQ(cubic.now.epoch_ms, curve.epoch_ms);
  EXPECT_EQ(cubic.now.k_ms, curve.k_ms);
  f.run_ms(1000);
  EXPECT_NEAR(f.tcb.cwnd, 99'279, 1000) << "as if nothing had happened";
}

// 5.8: time in which the application did not use the window is no time for the curve.
TEST(Cubic, UnusedTimeDoesNotCount) {
  Flow f(100);
  f.avoiding(100'000).lose();
  f.run_ms(2000);
  const std::uint32_t cwnd = f.tcb.cwnd;
  for (int i = 0; i < 200; ++i) {
    f.advance(Duration::milliseconds(100));
    f.ack(1000, 5000);
  }
  EXPECT_EQ(f.tcb.cwnd, cwnd);
  f.run_ms(1000);
  EXPECT_NEAR(f.tcb.cwnd, 99'279, 1000) << "three seconds of use, not twenty-three";
}

TEST(Cubic, WithoutAFreeBlockItIsReno) {
  Flow f(100);
  std::vector<std::uint32_t> taken;
  while (f.congestion.used() < f.congestion.capacity()) taken.push_back(f.congestion.take());
  f.avoiding(100'000).lose();
  EXPECT_EQ(f.tcb.ssthresh, 50'000U);
  EXPECT_GT(f.counters.congestion_blocks_exhausted, 0U);
  f.run_ms(100);
  EXPECT_NEAR(f.tcb.cwnd, 51'000, 60);
  congestion::timeout(f.tcb, 50'000, true, f.env());
  EXPECT_EQ(f.tcb.ssthresh, 25'000U);
  for (const std::uint32_t index : taken) f.congestion.give(index);
}

// What a short exchange never uses it does not take; what a long one took goes back when it is quiet.
TEST(CongestionBlock, TakenWhenTheWindowMattersAndGivenBackWhenQuiet) {
  Sender s(Params{.congestion = CongestionControl::kCubic});
  s.establish(65535, {.mss = 1000});
  s.write(1000);
  s.ack(1000);
  EXPECT_EQ(s.congestion.used(), 0U);
  s.write(30'000);
  for (std::uint32_t upto = 2000; upto <= 31'000; upto += 1000) s.ack(upto);
  ASSERT_EQ(s.una(), 31'000U);
  EXPECT_EQ(s.congestion.used(), 1U);
  const Tick again = rest(s.tcb, s.env());
  EXPECT_TRUE(again.armed()) << "not quiet for long enough";
  EXPECT_EQ(s.congestion.used(), 1U);
  s.advance(Duration::milliseconds(1000));
  EXPECT_FALSE(s.env().tick.before(again));
  EXPECT_FALSE(rest(s.tcb, s.env()).armed());
  EXPECT_EQ(s.congestion.used(), 0U);
}

TEST(CongestionBlock, RestLeavesABusyConnectionAlone) {
  Sender s(Params{.congestion = CongestionControl::kCubic});
  s.establish(65535, {.mss = 1000});
  s.write(30'000);
  s.ack(2000);
  ASSERT_EQ(s.congestion.used(), 1U);
  s.advance(Duration::seconds(10));
  EXPECT_FALSE(rest(s.tcb, s.env()).armed());
  EXPECT_EQ(s.congestion.used(), 1U);
}

}  // namespace
}  // namespace sluice::tcp
