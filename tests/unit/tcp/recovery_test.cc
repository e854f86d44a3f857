// SPDX-License-Identifier: BSD-3-Clause
// Loss recovery as it shows on the wire: NewReno, scoreboard, limited transmit, and
// the walk after a timeout. Segments are 1000 bytes.
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
  EXPECT_EQ(s.tcb.cwnd, 8000U);
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
  on_duplicate_ack(s.tcb, s.env());
  output(s.tcb, s.env());
  EXPECT_NE(s.tcb.flags & kMoreOutput, 0U);
  s.out.clear();
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-1000");
}

TEST(FastRetransmit, IsForgottenWhenEverythingArrivesFirst) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  s.ack(0);
  s.ack(0);
  on_duplicate_ack(s.tcb, s.env());  // and no output() yet
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
  EXPECT_EQ(s.tcb.dupacks, 0);
}

// RFC 6582: segments 0, 3000 and 6000 lost
TEST(NewReno, PartialAcksRetransmitTheNextHole) {
  Sender s;
  ten_outstanding(s, kPlain, 10'000);
  for (int i = 0; i < 7; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(3000);
  EXPECT_EQ(s.sent_text(), "3000-4000");
  EXPECT_EQ(s.tcb.cwnd, 10'000U) << "12 deflated by 3 and inflated by 1";
  EXPECT_NE(s.tcb.flags & kInRecovery, 0U);
  s.ack(6000);
  EXPECT_EQ(s.sent_text(), "6000-7000");
  s.ack(10'000);
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_EQ(s.tcb.cwnd, 2000U) << "min(ssthresh, max(flight, SMSS) + SMSS)";
  EXPECT_EQ(s.counters.fast_retransmits, 1U);
  EXPECT_EQ(s.deadline(), Instant::never());
  EXPECT_EQ(s.sides.used(), 0U);
}

TEST(NewReno, InflationLetsNewDataOut) {
  Sender s;
  ten_outstanding(s, kPlain);
  for (int i = 0; i < 3; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "10000-11000 11000-12000 0-1000");
  // 12 outstanding, cwnd 5 + 3: the fifth further duplicate admits one more.
  for (int i = 0; i < 4; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "");
  s.ack(0);
  EXPECT_EQ(s.sent_text(), "12000-13000");
}

TEST(NewReno, WithoutASideBlockOneSegmentIsRetransmitted) {
  Sender s;
  while (s.sides.take() != kNoIndex) {
  }
  ten_outstanding(s, kPlain, 10'000);
  for (int i = 0; i < 3; ++i) s.ack(0);
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(3000);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "3000-4000");
  for (std::uint32_t i = 0; i < s.sides.capacity(); ++i) s.sides.give(i);
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
  EXPECT_EQ(s.tcb.flags & (kInRecovery | kSackRecovery), 0U);
  EXPECT_EQ(s.sides.used(), 0U);
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

TEST(SackRecovery, SackNewsCountWithDataAndWindowChange) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 2000}});
  s.ack(0, 60'000);
  EXPECT_EQ(s.tcb.dupacks, 1);
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

TEST(SackRecovery, PartialAckWithoutMarksRetransmitsAsNewReno) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.ack(0, {{1000, 4000}});
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(4000);
  EXPECT_EQ(s.sent_text(), "4000-5000");
}

// RFC 6675 NextSeg(): lost holes, then new data, then holes that are not lost yet.
TEST(SackRecovery, NewDataGoesBeforeAHoleThatMayYetArrive) {
  for (const bool more : {false, true}) {
    Sender s;
    ten_outstanding(s, kSack, more ? 20'000 : 10'000);
    s.ack(0, {{1000, 5000}});
    ASSERT_EQ(s.sent_text(), "0-1000");
    s.ack(0, {{6000, 7000}, {1000, 5000}});
    s.ack(1000, {{6000, 7000}, {1001, 5000}});
    s.sent_text();
    s.ack(5000, {{6000, 7000}});
    EXPECT_EQ(s.sent_text().substr(0, 5), more ? "10000" : "5000-") << more;
  }
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
  EXPECT_EQ(s.sides.used(), 0U);
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
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(1000);  // and not 2000
  EXPECT_EQ(s.sent_text(), "1000-2000 2000-3000");
}

TEST(RtoRecovery, SkipsWhatIsReportedAgain) {
  Sender s;
  ten_outstanding(s, kSack, 10'000);
  s.next_timer_ms();
  s.sent_text();
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
  ASSERT_NE(s.tcb.flags & kSackRecovery, 0U);
  s.next_timer_ms();
  EXPECT_EQ(s.tcb.flags & (kInRecovery | kSackRecovery), 0U);
  EXPECT_NE(s.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_EQ(s.sent_text(), "0-1000 0-1000");
}

TEST(RtoRecovery, NewDataIsNotTimedBehindHoles) {
  Sender s;
  ten_outstanding(s, kPlain, 30'000);
  s.next_timer_ms();
  for (std::uint32_t upto = 1000; upto <= 9000; upto += 1000) s.ack(upto);
  ASSERT_GT(s.nxt(), 10'000U);
  ASSERT_NE(s.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_EQ(s.tcb.flags & kRttTiming, 0U);
}

TEST(RtoRecovery, OneSegmentNeedsNoSideBlock) {
  Sender s;
  s.establish();
  s.write(700);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-700P 0-700P");
  EXPECT_EQ(s.sides.used(), 0U);
}

// A peer that drops, delivers and acknowledges at random: every byte gets through, in every mode.
TEST(Recovery, EverythingArrivesUnderRandomLoss) {
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
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
        while (left > 0 && got[left - 1]) --left;
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
    ASSERT_EQ(s.sides.used(), 0U);
  }
}

}  // namespace
}  // namespace sluice::tcp
