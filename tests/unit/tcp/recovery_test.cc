// SPDX-License-Identifier: BSD-3-Clause
// Loss recovery as it shows on the wire: with and without SACK, limited transmit, and
// what follows a timeout. Segments are 1000 bytes; the round trip takes no time.
#include "base/rng.h"
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

constexpr Offer kPlain{.mss = 1000};
constexpr Offer kSack{.sack = true, .mss = 1000};

// Ten segments outstanding (the initial window), more queued.
void ten_outstanding(Sender& s, const Offer& offer, std::uint32_t queued = 40'000) {
  s.establish(65535, offer);
  s.write(queued);
  ASSERT_EQ(s.nxt(), 10'000U);
  s.sent_text();
}

TEST(LimitedTransmit, FirstTwoDuplicatesSendNewData) {
  Sender s;
  ten_outstanding(s, kPlain);
  s.ack(0);
  EXPECT_EQ(s.sent_text(), "10000-11000");
  s.ack(0);
  EXPECT_EQ(s.sent_text(), "11000-12000");
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
}

TEST(FastRetransmit, ThirdDuplicateSendsTheFirstSegmentAgain) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.ack(0);
  s.ack(0);
  EXPECT_EQ(s.sent_text(), "");
  s.ack(0);
  EXPECT_EQ(s.sent_text(), "0-1000");
  EXPECT_EQ(s.tcb.ssthresh, 5000U);
  EXPECT_EQ(s.tcb.cwnd, 7000U) << "six in the network, and one that PRR lets out";
  EXPECT_EQ(s.counters.fast_retransmits, 1U);
  EXPECT_EQ(s.tcb.retransmits, 1);
}

TEST(FastRetransmit, RestartsTheTimer) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.advance(Duration::milliseconds(150));
  for (int i = 0; i < 3; ++i) s.ack(0);
  EXPECT_GE((s.deadline() - s.now).ms(), 199);
}

TEST(FastRetransmit, WaitsForRoomInTheOutbox) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.ack(0);
  s.ack(0);
  while (!s.out.full()) (void)s.out.add();
  s.ack(0);
  EXPECT_NE(s.tcb.flags & kMoreOutput, 0U);
  s.sent.clear();
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-1000");
}

TEST(FastRetransmit, IsForgottenWhenEverythingArrivesFirst) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.ack(0);
  s.ack(0);
  while (!s.out.full()) (void)s.out.add();
  s.ack(0);
  s.sent.clear();
  s.ack(10'000);
  EXPECT_EQ(s.sent_text(), "");
}

TEST(FastRetransmit, WhatIsNoDuplicateIsNotCounted) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  for (int i = 0; i < 4; ++i) s.peer_data("x", 0);
  for (std::uint32_t wnd = 60'000; wnd > 56'000; wnd -= 1000) s.ack(0, wnd);
  EXPECT_EQ(s.tcb.dupacks, 0);
  EXPECT_EQ(s.counters.fast_retransmits, 0U);
}

TEST(FastRetransmit, NothingOutstandingNothingDuplicate) {
  Sender s;
  s.establish();
  for (int i = 0; i < 5; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.tcb.dupacks, 0U);
}

// Of ten segments 0 and 3000 lost, and perhaps others behind them: both were sent again.
void two_holes(Sender& s) {
  ten_outstanding(s, kPlain, 10'000);
  for (int i = 0; i < 7; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(3000);
  EXPECT_EQ(s.sent_text(), "3000-4000");
}

// RFC 6582: segments 0, 3000 and 6000 lost
TEST(NewReno, PartialAcksRetransmitTheNextHole) {
  Sender s;
  two_holes(s);
  EXPECT_NE(s.tcb.flags & kInRecovery, 0U);
  s.ack(6000);
  EXPECT_EQ(s.sent_text(), "6000-7000");
  s.ack(10'000);
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_EQ(s.tcb.cwnd, 5000U) << "ssthresh";
  EXPECT_EQ(s.counters.fast_retransmits, 1U);
  EXPECT_EQ(s.deadline(), Instant::never());
  EXPECT_EQ(s.maps.used(), 0U);
}

// Savage et al.: a receiver that divides its ACKs is sent no segment twice for it.
TEST(NewReno, DividedPartialAcksRetransmitOnce) {
  Sender s;
  two_holes(s);
  for (std::uint32_t upto = 3010; upto < 4000; upto += 10) s.ack(upto);
  EXPECT_EQ(s.sent_text(), "");
  s.ack(4000);
  EXPECT_EQ(s.sent_text(), "4000-5000");
}

// Nor does one that repeats them get more than what left half a round trip ago could have made room for.
TEST(NewReno, DuplicatesCountOnceForASegmentThatMayHaveArrived) {
  Sender s;
  s.establish(65535, kPlain);
  s.write(1000);
  s.advance(Duration::milliseconds(100));
  s.ack(1000);
  s.write(60'000);
  ASSERT_EQ(s.nxt(), 11'000U);
  s.advance(Duration::milliseconds(100));
  for (int i = 0; i < 1000; ++i) s.ack(1000);
  EXPECT_EQ(s.nxt(), 15'000U) << "nine of the ten may have arrived; five may be out beside the one that is missing";
}

// RFC 6937: of ten in the network five are to stay: every second that leaves lets one out, then each.
TEST(NewReno, CwndGoesDownInProportion) {
  Sender s;
  ten_outstanding(s, kPlain);
  for (int i = 0; i < 3; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "10000-11000 11000-12000 0-1000");
  std::string sent;
  for (int i = 0; i < 7; ++i) {
    s.ack(0);
    sent += '[' + s.sent_text() + ']';
  }
  EXPECT_EQ(sent, "[][][12000-13000][][][13000-14000][14000-15000]");
}

// RFC 6582 3.2 step 2
TEST(NewReno, DuplicatesOfWhatWasRecoveredBeginNothing) {
  Sender s;
  ten_outstanding(s, kPlain, 12'000);
  for (int i = 0; i < 3; ++i) s.ack(0);
  s.ack(10'000);
  s.sent_text();
  ASSERT_EQ(s.nxt(), 12'000U);
  for (int i = 0; i < 4; ++i) s.ack(10'000);
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.counters.fast_retransmits, 1U);
}

// Where a recovery ended is forgotten once it is passed: 2 GB later it would seem to lie ahead.
TEST(NewReno, ARecoveryOfLongAgoHoldsUpNoOther) {
  Sender s;
  ten_outstanding(s, kPlain);
  for (int i = 0; i < 12; ++i) s.ack(0);
  ASSERT_GT(s.nxt(), 14'000U);
  s.ack(12'000);
  s.ack(13'000);
  ASSERT_EQ(s.maps.used(), 1U) << "something was outstanding all the time";
  s.maps[s.tcb.sends].recover = s.tcb.snd_una - 0x80000001U;
  s.sent_text();
  for (int i = 0; i < 3; ++i) s.ack(13'000);
  EXPECT_EQ(s.counters.fast_retransmits, 2U);
}

TEST(NewReno, WithoutAMapOneSegmentIsRetransmitted) {
  Sender s;
  while (s.maps.take() != kNoIndex) {
  }
  ten_outstanding(s, kPlain, 10'000);
  for (int i = 0; i < 3; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(3000);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "3000-4000");
  s.ack(10'000);
  EXPECT_GT(s.counters.send_maps_exhausted, 0U);
  for (std::uint32_t i = 0; i < s.maps.capacity(); ++i) s.maps.give(i);
}

TEST(SackRecovery, OnlyTheHolesGoAgainInOrder) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  // lost: 0, 2000 and 5000
  s.ack(0, {{1000, 2000}});
  s.ack(0, {{3000, 4000}, {1000, 2000}});
  EXPECT_EQ(s.sent_text(), "");
  s.ack(0, {{3000, 5000}, {1000, 2000}});
  s.ack(0, {{6000, 7000}, {3000, 5000}, {1000, 2000}});
  s.ack(0, {{6000, 8000}, {3000, 5000}, {1000, 2000}});
  s.ack(0, {{6000, 9000}, {3000, 5000}, {1000, 2000}});
  s.ack(0, {{6000, 10'000}, {3000, 5000}, {1000, 2000}});
  EXPECT_EQ(s.sent_text(), "0-1000 2000-3000 5000-6000");
  EXPECT_EQ(s.tcb.cwnd, 5000U);
  s.ack(10'000);
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_EQ(s.maps.used(), 0U);
}

TEST(SackRecovery, PipeStaysWithinCwnd) {
  Sender s;
  ten_outstanding(s, kSack);
  for (std::uint32_t highest = 2000; highest <= 10'000; highest += 1000) {
    const std::uint32_t before = s.nxt();
    s.ack(0, {{1000, highest}});
    const bool sent_new = s.nxt() != before && (s.tcb.flags & kInRecovery) != 0;
    EXPECT_TRUE(!sent_new || pipe(s.tcb, s.env()) <= s.tcb.cwnd) << highest;
  }
  // Nine duplicates for a cwnd of five: about half as many new segments.
  EXPECT_LE(pipe(s.tcb, s.env()), s.tcb.cwnd);
  EXPECT_GE(pipe(s.tcb, s.env()) + 1000, s.tcb.cwnd);
}

TEST(SackRecovery, DividedReportsLetNoMoreOut) {
  std::uint32_t sent[2] = {};
  for (const bool divided : {false, true}) {
    Sender s;
    ten_outstanding(s, kSack);
    const std::uint32_t step = divided ? 50 : 1000;
    for (std::uint32_t right = 1000 + step; right <= 10'000; right += step) s.ack(0, {{1000, right}});
    for (const OutSegment& out : s.sent) sent[divided ? 1 : 0] += out.len;
  }
  EXPECT_GT(sent[0], 3000U);
  EXPECT_LE(sent[1], sent[0] + 1000);
}

TEST(SackRecovery, SackNewsCountWithDataAndWindowChange) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 2000}});
  s.ack(0, 60'000);
  s.ack(0, {{1000, 3000}});
  s.ack(0, {{1000, 4000}});
  EXPECT_EQ(s.sent_text(), "0-1000");
}

TEST(SackRecovery, StretchAckBeginsRecoveryAtOnce) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 6000}});
  EXPECT_EQ(s.sent_text(), "0-1000") << "more than two segments' bytes above: lost (RFC 6675 IsLost)";
}

TEST(SackRecovery, PartialAckAloneTellsOfNoLoss) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 4000}});
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(4000);
  EXPECT_EQ(s.sent_text(), "") << "RACK: nothing that was sent later has arrived";
}

// --- timeouts ---

TEST(RtoRecovery, WalksOverEverythingOutstandingInSlowStart) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-1000");
  EXPECT_EQ(s.tcb.cwnd, 1000U);
  EXPECT_EQ(s.tcb.ssthresh, 5000U);
  EXPECT_EQ(s.nxt(), 10'000U) << "SND.NXT never goes back";
  s.ack(1000);
  EXPECT_EQ(s.sent_text(), "1000-2000 2000-3000");
  s.ack(2000);
  EXPECT_EQ(s.sent_text(), "3000-4000 4000-5000");
  s.ack(10'000);  // the rest had arrived the first time
  EXPECT_EQ(s.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_EQ(s.maps.used(), 0U);
}

TEST(RtoRecovery, SecondTimeoutKeepsSsthresh) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.next_timer_ms();
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-1000 0-1000");
  EXPECT_EQ(s.tcb.ssthresh, 5000U);
}

// RFC 2018 8: after a timeout the peer may have thrown away what it had reported.
TEST(RtoRecovery, ForgetsTheMarks) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 2000}});
  s.next_timer_ms();  // reordering
  s.next_timer_ms();  // RTO
  EXPECT_EQ(s.sent_text(), "0-1000 0-1000");
  s.ack(1000);  // and not 2000
  EXPECT_EQ(s.sent_text(), "1000-2000 2000-3000");
}

TEST(RtoRecovery, SkipsWhatIsReportedAgain) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.next_timer_ms();  // tail loss probe
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "9000-10000P 0-1000");
  s.ack(1000, {{2000, 9000}});
  EXPECT_EQ(s.sent_text(), "1000-2000 9000-10000P");
}

TEST(RtoRecovery, DuplicatesDoNotBeginFastRecovery) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.next_timer_ms();
  s.sent_text();
  for (int i = 0; i < 5; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.counters.fast_retransmits, 0U);
}

TEST(RtoRecovery, TimeoutEndsFastRecovery) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 5000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  s.next_timer_ms();
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_NE(s.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_EQ(s.sent_text(), "0-1000 0-1000");
}

TEST(RtoRecovery, OneSegmentIsRepeatedUntilItArrives) {
  Sender s;
  s.establish();
  s.write(700);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-700P 0-700P");
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-700P");
  s.ack(700);
  EXPECT_EQ(s.maps.used(), 0U);
}

// --- with ECN (RFC 3168 6.1.2) ---

void ten_outstanding_with_ecn(Sender& s, std::uint32_t queued) {
  s.establish(65535, kSack);
  s.tcb.flags |= kEcnOk;
  s.write(queued);
  ASSERT_EQ(s.nxt(), 10'000U);
  s.sent_text();
  s.echo_marks(true);
}
constexpr Params kReno{.congestion = CongestionControl::kNewReno};

// The peer echoes until CWR tells it to stop, and CWR is for new data, which comes last.
TEST(EcnRecovery, EchoesDoNotHoldUpProportionalReduction) {
  Sender s(kReno);
  ten_outstanding_with_ecn(s, 10'000);
  s.ack(0, {{7000, 10'000}});
  EXPECT_EQ(s.sent_text(), "0-1000 1000-2000 2000-3000");
  s.ack(1000, {{7000, 10'000}});
  EXPECT_EQ(s.sent_text(), "3000-4000 4000-5000");
  s.ack(2000, {{7000, 10'000}});
  s.ack(3000, {{7000, 10'000}});
  s.ack(10'000);
  EXPECT_EQ(s.tcb.cwnd, 5000U) << "ssthresh";
}

TEST(EcnRecovery, EchoesDoNotHoldUpSlowStartAfterATimeout) {
  Sender s(kReno);
  ten_outstanding_with_ecn(s, 10'000);
  while (s.counters.rto_timeouts == 0) s.next_timer_ms();
  s.sent_text();
  s.ack(1000);
  EXPECT_EQ(s.sent_text(), "1000-2000 2000-3000");
}

// The loss was none, the mark was one: that it reduced the window is not taken back.
TEST(EcnRecovery, WhatAMarkReducedIsNotUndone) {
  for (const CongestionControl algorithm : {CongestionControl::kNewReno, CongestionControl::kCubic}) {
    Sender s(Params{.congestion = algorithm});
    ten_outstanding_with_ecn(s, 40'000);
    s.ack(1000);
    ASSERT_EQ(s.counters.ecn_reductions, 1U);
    const std::uint32_t ssthresh = s.tcb.ssthresh;
    s.ack(1000, {{2000, 5000}});
    ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
    s.ack(5000, {{1000, 2000}});
    EXPECT_EQ(s.counters.ecn_reductions, 1U) << "once a window";
    EXPECT_EQ(s.counters.undone_by_dsack, 0U);
    EXPECT_EQ(s.tcb.ssthresh, ssthresh);
  }
}

TEST(EcnRecovery, AMarkAndALossOfOneWindowAreOneEvent) {
  for (const CongestionControl algorithm : {CongestionControl::kNewReno, CongestionControl::kCubic}) {
    Sender s(Params{.congestion = algorithm});
    ten_outstanding_with_ecn(s, 40'000);
    s.ack(1000);
    const std::uint32_t ssthresh = s.tcb.ssthresh;
    ASSERT_LT(ssthresh, 10'000U);
    s.ack(1000, {{2000, 6000}});
    ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
    EXPECT_EQ(s.tcb.ssthresh, ssthresh);
    s.ack(10'000);
    EXPECT_EQ(s.tcb.cwnd, ssthresh);
    s.echo_marks(false);
    const std::uint32_t nxt = s.nxt();
    s.ack(10'000, {{11'000, nxt}});
    EXPECT_LT(s.tcb.ssthresh, ssthresh) << "another window";
  }
}

TEST(EcnRecovery, AReductionThatWasUndoneHidesNoLoss) {
  Sender s(kReno);
  ten_outstanding_with_ecn(s, 40'000);
  s.echo_marks(false);
  s.ack(0, {{1000, 4000}});
  ASSERT_EQ(s.sent_text(), "0-1000");
  s.ack(4000, {{0, 1000}});
  ASSERT_EQ(s.counters.undone_by_dsack, 1U);
  ASSERT_GE(s.tcb.cwnd, 10'000U);
  s.ack(4000, {{5000, 9000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  EXPECT_LT(s.tcb.ssthresh, 10'000U);
}

// RFC 8257 3.5: a mark may have cost next to nothing, a loss costs half.
TEST(EcnRecovery, DctcpAnswersALossBehindAMark) {
  Sender s(Params{.congestion = CongestionControl::kDctcp});
  ten_outstanding_with_ecn(s, 40'000);
  s.ack(1000);
  const std::uint32_t ssthresh = s.tcb.ssthresh;
  s.ack(1000, {{2000, 6000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  EXPECT_LT(s.tcb.ssthresh, ssthresh);
}

TEST(EcnRecovery, AMarkOfLongAgoHidesNoOther) {
  Sender s(kReno);
  ten_outstanding_with_ecn(s, 40'000);
  s.ack(1000);
  ASSERT_EQ(s.counters.ecn_reductions, 1U);
  s.congestion[s.tcb.congestion].cwr_end = s.tcb.snd_una - 0x80000001U;  // as 2 GB later
  s.ack(2000);
  EXPECT_EQ(s.counters.ecn_reductions, 2U);
}

TEST(EcnRecovery, AnEchoThatWasOvertakenMeansNothing) {
  Sender s(kReno);
  ten_outstanding_with_ecn(s, 40'000);
  s.echo_marks(false);
  s.ack(2000);
  s.echo_marks(true);
  s.ack(1000);
  EXPECT_EQ(s.counters.ecn_reductions, 0U);
}

TEST(EcnRecovery, AnEchoNeverGrowsTheWindow) {
  for (const CongestionControl algorithm :
       {CongestionControl::kNewReno, CongestionControl::kCubic, CongestionControl::kDctcp}) {
    Sender s(Params{.congestion = algorithm});
    ten_outstanding_with_ecn(s, 40'000);
    s.tcb.cwnd = 1000;  // as after a SYN that was lost twice
    s.ack(1000);
    EXPECT_EQ(s.tcb.cwnd, 1000U);
  }
}

// A peer that drops, delivers and acknowledges at random: every byte gets through, in every mode.
TEST(Recovery, EverythingArrivesUnderRandomLoss) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const bool sack = rng.below(2) == 0;
    const std::uint32_t loss = 20 + rng.below(250);
    constexpr std::uint32_t kTotal = 120'000;
    Sender s;
    s.establish(60'000, sack ? kSack : kPlain);
    std::vector<bool> got(kTotal);
    std::uint32_t written = 0;
    for (int step = 0; step < 20'000 && s.una() < kTotal; ++step) {
      written += static_cast<std::uint32_t>(s.write(std::min(kTotal - written, 5000U)));
      bool anything = false;
      for (const OutSegment& out : std::exchange(s.sent, {})) {
        if (out.len == 0 || rng.per_mille(loss)) continue;
        const std::uint32_t begin = out.seq - Sender::first();
        for (std::uint32_t i = begin; i < begin + out.len; ++i) got[i] = true;
        anything = true;
        std::uint32_t next = s.una();
        while (next < kTotal && got[next]) ++next;
        std::uint32_t right = begin + out.len;
        while (right < kTotal && got[right]) ++right;
        std::uint32_t left = begin;
        while (left > next && got[left - 1]) --left;
        if (rng.per_mille(loss / 2)) continue;  // the acknowledgment is lost
        if (sack && left > next) {
          s.ack(next, {{left, right}});
        } else {
          s.ack(next);
        }
        if (testing::Test::HasFailure()) return;
      }
      if (!anything && s.next_timer_ms() < 0 && s.una() < kTotal) FAIL() << "stuck at " << s.una();
      ASSERT_NE(s.tcb.state, State::kClosed);
    }
    ASSERT_EQ(s.una(), kTotal);
    ASSERT_EQ(s.maps.used(), 0U);
  }
}

}  // namespace
}  // namespace sluice::tcp
