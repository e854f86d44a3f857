// SPDX-License-Identifier: BSD-3-Clause
// BBR on a path of its own: segments of 1000 bytes leave a sender, queue at a link with a
// rate, and are acknowledged one by one a delay later. States are reached by what arrives,
// but for a queue behind a hole, whose numbers are given.
#include "tcp/cc_bbr.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "tcp/pacing.h"
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kSegment = 1000;
constexpr Params kBbr{.sndbuf = 4U << 20U, .congestion = CongestionControl::kBbr};

class Path : public Sender {
 public:
  using Rate = pacing::Rate;
  explicit Path(std::uint32_t bytes_per_ms = 2000, std::uint32_t rtt_ms = 40, std::uint32_t window = 4U << 20U)
      : Sender(kBbr, 8192), bytes_per_ms_(bytes_per_ms), rtt_(Duration::milliseconds(rtt_ms)) {
    establish(window, {.sack = true, .mss = kSegment}, rtt_);
  }
  void set_rate(std::uint32_t bytes_per_ms) { bytes_per_ms_ = bytes_per_ms; }
  void set_rtt(std::uint32_t rtt_ms) { rtt_ = Duration::milliseconds(rtt_ms); }
  void greedy(bool on) { greedy_ = on; }
  [[nodiscard]] const BbrModel& model() { return *congestion::model_of(tcb, env()); }
  [[nodiscard]] bool has_model() { return congestion::model_of(tcb, env()) != nullptr; }
  [[nodiscard]] Rate link() const { return pacing::rate_of(bytes_per_ms_, 1000); }
  [[nodiscard]] std::uint32_t bdp() const { return static_cast<std::uint32_t>(bytes_per_ms_ * rtt_.ms()); }

  // Events until `done` says so, or for so long; false: it did not.
  template <typename Done>
  bool run_until(Duration most, Done done) {
    const Instant end = now + most;
    for (;;) {
      if (greedy_ && tcb.snd_queued < (1U << 20U)) write(1U << 18U);
      carry();
      if (done()) return true;
      const Instant next = std::min(deadline(), acks_.empty() ? Instant::never() : acks_.front().at);
      if (next > end) break;
      now = std::max(now, next);
      if (!acks_.empty() && acks_.front().at <= now) {
        const std::uint32_t upto = acks_.front().upto;
        acks_.pop_front();
        ack(upto);
      } else {
        fire();
      }
    }
    now = end;
    return false;
  }
  void run(Duration time) {
    run_until(time, [] { return false; });
  }
  bool reach(BbrState state, Duration most = Duration::seconds(30)) {
    return run_until(most, [&] { return has_model() && model().state == state; });
  }
  // Forgets what is on its way: the network has lost it.
  void lose_all() {
    carry();
    acks_.clear();
  }
  [[nodiscard]] std::uint32_t on_its_way() const { return static_cast<std::uint32_t>(acks_.size()) * kSegment; }

 private:
  struct Ack {
    Instant at;
    std::uint32_t upto;
  };
  // What left goes through the link.
  void carry() {
    for (const OutSegment& s : sent) {
      if (s.len == 0) continue;
      link_free_ = std::max(link_free_, now) + Duration{std::int64_t{s.len} * 1'000'000 / bytes_per_ms_};
      acks_.push_back({link_free_ + rtt_, s.seq + s.len - first()});
    }
    sent.clear();
  }
  std::uint32_t bytes_per_ms_;
  Duration rtt_;
  bool greedy_ = true;
  Instant link_free_{};
  std::deque<Ack> acks_;
};

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
