// SPDX-License-Identifier: BSD-3-Clause
// Time-outs in virtual time: retransmission and its back-off, R1 and R2, probes of a
// closed window, delayed acknowledgments, keepalive, FIN_WAIT_2 and 2MSL.
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

// Seconds of virtual time until the connection is closed, at most `most` timers on.
double seconds_to_close(Sender& s, int most = 100) {
  const Instant begin = s.now;
  while (s.tcb.state != State::kClosed && most-- > 0 && s.next_timer_ms() >= 0) {
  }
  return static_cast<double>((s.now - begin).ms()) / 1000;
}

TEST(RexmtTimer, BacksOffByDoublingUpToTwoMinutes) {
  Sender s;
  s.establish();
  s.write(100);
  std::vector<std::int64_t> gaps;
  for (int i = 0; i < 13; ++i) gaps.push_back(s.next_timer_ms());
  const std::vector<std::int64_t> expected{200,   400,   800,    1600,   3200,   6400,  12800,
                                           25600, 51200, 102400, 120000, 120000, 120000};
  EXPECT_EQ(gaps, expected);
  EXPECT_EQ(s.tcb.retransmits, 13);
}

TEST(RexmtTimer, GivesUpAfterR2) {
  Sender s;
  s.establish();
  s.write(100);
  EXPECT_NEAR(seconds_to_close(s), 924.6, 1);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
  EXPECT_NE(s.events & kEventClosed, 0U);
  EXPECT_EQ(s.next_timer_ms(), -1);
}

TEST(RexmtTimer, StackHearsOfR1) {
  Sender s;
  s.establish();
  s.write(100);
  s.next_timer_ms();
  s.next_timer_ms();
  EXPECT_EQ(s.events & kEventR1, 0U);
  s.next_timer_ms();
  EXPECT_NE(s.events & kEventR1, 0U);
}

TEST(RexmtTimer, AckOfNewDataResetsTheBackOff) {
  Sender s;
  s.establish();
  s.write(2920);
  for (int i = 0; i < 5; ++i) s.next_timer_ms();
  EXPECT_EQ(rto_us(s.tcb), 32 * 200'001U);
  s.ack(1460);
  EXPECT_EQ(rto_us(s.tcb), 200'001U);
}

TEST(RexmtTimer, StopsWhenEverythingIsAcknowledged) {
  Sender s;
  s.establish();
  s.write(2920);
  s.ack(1460);
  EXPECT_NE(s.deadline(), Instant::never());
  s.ack(2920);
  EXPECT_EQ(s.deadline(), Instant::never());
}

TEST(RexmtTimer, RestartsWithEachAckOfNewData) {
  Sender s;
  s.establish();
  s.write(2920);
  s.advance(Duration::milliseconds(150));
  s.ack(1460);
  EXPECT_GE((s.deadline() - s.now).ms(), 199);
}

TEST(UserTimeout, EndsTheRowOfRetransmissions) {
  Sender s(Params{.user_timeout_ms = 5000});
  s.establish();
  s.write(100);
  EXPECT_NEAR(seconds_to_close(s), 5.0, 0.01);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
  EXPECT_EQ(s.tcb.retransmits, 4);
}

TEST(UserTimeout, EndsUnansweredProbes) {
  Sender s(Params{.user_timeout_ms = 5000});
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  EXPECT_LE(seconds_to_close(s), 13.0);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
}

TEST(SynTimer, GivesUpNotBeforeThreeMinutes) {
  Sender s;
  s.open_actively();
  std::vector<std::int64_t> gaps;
  while (s.tcb.state == State::kSynSent) gaps.push_back(s.next_timer_ms());
  const std::vector<std::int64_t> expected{1000, 2000, 4000, 8000, 16000, 32000, 64000, 120000};
  EXPECT_EQ(gaps, expected);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
  EXPECT_EQ(s.sent_text(), "-1--1S -1--1S -1--1S -1--1S -1--1S -1--1S -1--1S -1--1S");
  EXPECT_EQ(s.counters.mib.AttemptFails, 1U);
}

TEST(SynTimer, UserTimeoutHolds) {
  Sender s(Params{.user_timeout_ms = 2500});
  s.open_actively();
  EXPECT_NEAR(seconds_to_close(s), 2.5, 0.1);
}

// --- zero windows ---

TEST(Persist, ProbesWithOneByteAndExponentialBackOff) {
  Sender s;
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  EXPECT_EQ(s.sent_text(), "0-1460");
  std::vector<std::int64_t> gaps;
  for (int i = 0; i < 12; ++i) {
    gaps.push_back(s.next_timer_ms());
    EXPECT_EQ(s.sent_text(), "1460-1461") << i;
    s.ack(1460, 0);
  }
  const std::vector<std::int64_t> expected{200,   400,   800,   1600,  3200,  6400,
                                           12800, 25600, 51200, 60000, 60000, 60000};
  EXPECT_EQ(gaps, expected);
  EXPECT_EQ(s.counters.zero_window_probes, 12U);
}

TEST(Persist, NeverGivesUpWhileProbesAreAnswered) {
  Sender s;
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  for (int i = 0; i < 500; ++i) {
    ASSERT_GE(s.next_timer_ms(), 0);
    s.ack(1460, 0);
  }
  EXPECT_EQ(s.tcb.state, State::kEstablished);
}

TEST(Persist, GivesUpWhenProbesGoUnanswered) {
  Sender s;
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  EXPECT_GE(seconds_to_close(s), 100);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
}

TEST(Persist, KeepaliveDoesNotCoverUpUnansweredProbes) {
  Sender s(Params{.keepidle_ms = 10'000, .keepalive = true});
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  EXPECT_LT(seconds_to_close(s, 1000), 1000);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
}

TEST(Persist, HalfTheLargestWindowEndsIt) {
  Sender s;
  s.establish(1000);
  s.write(5000);
  s.ack(1000, 0);
  s.next_timer_ms();
  s.sent_text();
  s.ack(1000, 400);
  EXPECT_EQ(s.sent_text(), "");
  s.ack(1000, 500);
  EXPECT_EQ(s.sent_text(), "1000-1500");
}

TEST(Persist, SmallerMssThatFitsEndsIt) {
  Sender s;
  s.establish(5840);
  s.write(20'000);
  s.ack(5840, 600);
  s.sent_text();
  ASSERT_NE(s.tcb.flags & kPersist, 0U);
  s.params.mss = 500;
  params_changed(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "5840-6340");
  EXPECT_EQ(s.tcb.flags & kPersist, 0U);
}

TEST(Persist, OpeningToASegmentSendsAFullOneFromTheProbedByte) {
  Sender s;
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  s.next_timer_ms();
  s.sent_text();
  s.ack(1460, 1);
  EXPECT_EQ(s.sent_text(), "") << "no silly segment";
  s.ack(1460, 1460);
  EXPECT_EQ(s.sent_text(), "1460-2920");
  EXPECT_EQ(s.nxt(), 2920U);
  EXPECT_EQ(rto_us(s.tcb), 200'001U);
}

TEST(Persist, AcceptedProbeMovesOn) {
  Sender s;
  s.establish(1460);
  s.write(5000);
  s.ack(1460, 0);
  s.next_timer_ms();
  s.sent_text();
  s.ack(1461, 0);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "1461-1462");
  s.ack(1461, 1460);
  EXPECT_EQ(s.sent_text(), "1461-2921");
}

TEST(Persist, FinIsProbedToo) {
  Sender s;
  s.establish(1460);
  s.write(1460);
  s.ack(1460, 0);
  s.sent_text();
  shutdown_write(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.next_timer_ms(), 200);
  EXPECT_EQ(s.sent_text(), "1460-1460F");
  EXPECT_EQ(s.next_timer_ms(), 400);
  EXPECT_EQ(s.sent_text(), "1460-1460F");
  s.ack(1461, 0);
  EXPECT_EQ(s.tcb.state, State::kFinWait2);
  EXPECT_EQ(s.next_timer_ms(), -1);
}

TEST(Persist, WindowThatClosesOverOutstandingDataIsProbed) {
  Sender s;
  s.establish(5840);
  s.write(5840);
  s.ack(1460, 0);
  s.sent_text();
  for (int i = 0; i < 40; ++i) {  // far longer than R2 would allow
    s.next_timer_ms();
    ASSERT_EQ(s.sent_text(), "1460-1461");
    s.ack(1460, 0);
  }
  s.ack(1460, 5840);
  EXPECT_EQ(s.sent_text(), "1460-2920") << "slow start after the time-out";
  s.ack(2920, 5840);
  EXPECT_EQ(s.sent_text(), "2920-4380 4380-5840P");
  s.ack(5840);
  EXPECT_EQ(s.deadline(), Instant::never());
}

// RFC 9293 3.8.6.2.1 (4): what fits goes after the override timeout, not a byte a probe.
TEST(Persist, ALittleWindowOverOutstandingDataIsUsedSoon) {
  Sender s;
  s.establish(5840);
  s.write(5840);
  s.ack(1460, 0);
  for (int i = 0; i < 8; ++i) {
    s.next_timer_ms();
    s.ack(1460, 0);
  }
  s.sent_text();
  s.ack(1460, 700);
  EXPECT_EQ(s.sent_text(), "") << "silly";
  EXPECT_LE(s.next_timer_ms(), 1000);
  EXPECT_EQ(s.sent_text(), "1460-2160");
  s.ack(2160, 700);
  EXPECT_EQ(s.sent_text(), "2160-2860") << "and then as acknowledgments come";
}

// --- delayed acknowledgments ---

TEST(DelayedAck, AtMostFortyMilliseconds) {
  Sender s(Params{.quickack = false});
  s.establish();
  s.peer_data("a", 0);
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_LE(s.next_timer_ms(), 40);
  EXPECT_EQ(s.sent_text(), "a");
  EXPECT_EQ(s.counters.delayed_acks, 1U);
}

TEST(DelayedAck, EverySecondSegmentIsAcknowledgedAtOnce) {
  Sender s(Params{.quickack = false});
  s.establish();
  for (int i = 0; i < 10; ++i) {
    s.peer_data("a", 0);
    EXPECT_EQ(s.sent_text(), i % 2 == 0 ? "" : "a");
  }
}

TEST(DelayedAck, YoungConnectionAcknowledgesAtOnce) {
  Sender s;
  s.establish();
  int acks = 0;
  for (int i = 0; i < 30; ++i) {
    s.peer_data("a", 0);
    acks += s.sent_text() == "a" ? 1 : 0;
  }
  EXPECT_EQ(acks, 16 + 7);
}

// --- keepalive ---

Params keepalive() { return Params{.keepidle_ms = 10'000, .keepintvl_ms = 1000, .keepcnt = 3, .keepalive = true}; }

TEST(Keepalive, OffByDefault) {
  Sender s;
  s.establish();
  EXPECT_EQ(s.next_timer_ms(), -1);
}

TEST(Keepalive, ProbesThenResets) {
  Sender s(keepalive());
  s.establish();
  EXPECT_EQ(s.next_timer_ms(), 10'000);
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_EQ(s.sent[0].seq, s.tcb.snd_nxt - 1);
  EXPECT_EQ(s.sent[0].len, 0U);
  EXPECT_EQ(s.next_timer_ms(), 1000);
  EXPECT_EQ(s.next_timer_ms(), 1000);
  EXPECT_EQ(s.sent_text(), "a a a");
  EXPECT_EQ(s.next_timer_ms(), 1000);
  EXPECT_EQ(s.sent_text(), "0-0R");
  EXPECT_EQ(s.tcb.state, State::kClosed);
  EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
}

TEST(Keepalive, AnyAnswerBeginsANewIdlePeriod) {
  Sender s(keepalive());
  s.establish();
  s.next_timer_ms();
  s.next_timer_ms();
  s.ack(0);
  EXPECT_EQ(s.next_timer_ms(), 10'000);
  s.peer_data("x", 0);
  s.sent_text();
  s.pass(Duration::seconds(9));
  EXPECT_EQ(s.sent_text(), "");
}

// 10 s of silence, then a probe a second: after the user timeout the next one is not waited for.
TEST(Keepalive, UserTimeoutCountsInsteadOfTheProbes) {
  for (const auto& [timeout_ms, probes] : {std::pair{1000U, 1}, {10'000U, 1}, {11'000U, 1}, {11'500U, 2}, {20'000U, 10}}) {
    Params params = keepalive();
    params.user_timeout_ms = timeout_ms;
    Sender s(params);
    s.establish();
    EXPECT_EQ(s.next_timer_ms(), 10'000);
    for (int i = 0; i < probes; ++i) {
      EXPECT_EQ(s.tcb.state, State::kEstablished) << timeout_ms << " ms, probe " << i;
      s.next_timer_ms();
    }
    EXPECT_EQ(s.tcb.state, State::kClosed) << timeout_ms;
    EXPECT_EQ(s.tcb.error, Errc::kTimedOut);
    EXPECT_EQ(s.counters.keepalive_probes, static_cast<unsigned>(probes)) << timeout_ms;
  }
}

TEST(Keepalive, NoMoreProbesThanCanBeCounted) {
  Params params = keepalive();
  params.user_timeout_ms = 0x7fffffff;
  Sender s(params);
  s.establish();
  for (int i = 0; i < 127; ++i) s.next_timer_ms();
  EXPECT_EQ(s.tcb.state, State::kEstablished);
  s.next_timer_ms();
  EXPECT_EQ(s.tcb.state, State::kClosed);
}

TEST(Idle, IsToldInsteadOfProbed) {
  Params params = keepalive();
  params.idle_ends = true;
  Sender s(params);
  s.establish();
  s.advance(Duration::seconds(9));
  s.peer_data("x", 0);
  s.sent_text();
  EXPECT_EQ(s.next_timer_ms(), 10'000) << "from what arrived last";
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_NE(s.events & kEventIdle, 0U);
  EXPECT_EQ(s.next_timer_ms(), 10'000) << "and again";
  EXPECT_EQ(s.counters.keepalive_probes, 0U);
}

TEST(Keepalive, OutstandingDataIsProbeEnough) {
  Sender s(keepalive());
  s.establish();
  s.write(100);
  s.pass(Duration::seconds(60));
  EXPECT_EQ(s.counters.keepalive_probes, 0U);
}

TEST(Keepalive, CanBeTurnedOnAndOff) {
  Sender s;
  s.establish();
  s.params = keepalive();
  params_changed(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.next_timer_ms(), 10'000);
  s.params.keepalive = false;
  params_changed(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.next_timer_ms(), -1);
}

// --- the end ---

TEST(FinWait2, EndsAfterAMinuteWhenTheApplicationIsGone) {
  Sender s;
  s.establish();
  close(s.tcb, s.env());
  s.turn();
  s.ack(1);
  ASSERT_EQ(s.tcb.state, State::kFinWait2);
  EXPECT_EQ(s.next_timer_ms(), 60'000);
  EXPECT_EQ(s.tcb.state, State::kClosed);
}

TEST(FinWait2, ActivityDoesNotProlongIt) {
  Sender s(keepalive());
  s.establish();
  close(s.tcb, s.env());
  s.turn();
  s.ack(1);
  s.pass(Duration::seconds(30));
  s.ack(1);
  EXPECT_EQ(s.next_timer_ms(), 30'000);
  EXPECT_EQ(s.tcb.state, State::kClosed);
}

TEST(FinWait2, HalfCloseMayStay) {
  Sender s;
  s.establish();
  shutdown_write(s.tcb, s.env());
  s.turn();
  s.ack(1);
  ASSERT_EQ(s.tcb.state, State::kFinWait2);
  EXPECT_EQ(s.next_timer_ms(), -1);
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.next_timer_ms(), 60'000);
}

TEST(TimeWait, LastsTwoMsl) {
  Sender s(Params{.msl_ms = 5000, .keepalive = true});
  s.establish();
  close(s.tcb, s.env());
  s.turn();
  s.ack(1);
  s.peer_fin(1);
  ASSERT_EQ(s.tcb.state, State::kTimeWait);
  EXPECT_EQ(s.next_timer_ms(), 10'000);
  EXPECT_EQ(s.tcb.state, State::kClosed);
}

TEST(Timers, RearmingLeavesTheEarliestDeadline) {
  Sender s(keepalive());
  s.establish();
  s.write(100);
  s.peer_data("x", 0);
  const Tick earliest = next_deadline(s.tcb);
  for (const Tick t : {s.tcb.t_rexmt, s.tcb.t_delack, s.tcb.t_long}) {
    EXPECT_FALSE(t.armed() && t.before(earliest));
  }
  s.fire();  // early, as a wheel that was armed before would
  EXPECT_EQ(next_deadline(s.tcb), earliest);
  EXPECT_EQ(s.counters.rto_timeouts, 0U);
}

}  // namespace
}  // namespace sluice::tcp
