// SPDX-License-Identifier: BSD-3-Clause
// RACK, tail loss probes and undo (RFC 8985, 3522, 5682, 2883). Segments are 1000 bytes,
// the round trip takes 20 ms, ten segments may be outstanding.
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

constexpr Duration kRtt = Duration::milliseconds(20);
constexpr Params kReno{.congestion = CongestionControl::kNewReno};

class Path : public Sender {
 public:
  explicit Path(Offer offer = {.sack = true, .mss = 1000}) : Sender(kReno) { establish(65535, offer, kRtt); }
  void rtt_passes() { pass(kRtt); }
};

Offer with_timestamps() { return {.tsval = 1'000'000, .sack = true, .mss = 1012}; }

TEST(TailLossProbe, SendsTheLastSegmentAgainAfterTwoRoundTrips) {
  Path s;
  s.write(5000);
  s.sent_text();
  EXPECT_EQ(s.next_timer_ms(), 42);
  EXPECT_EQ(s.sent_text(), "4000-5000P");
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
  EXPECT_EQ(s.counters.tlp_probes, 1U);
  EXPECT_EQ(s.next_timer_ms(), 220) << "the RTO, from the probe on; no second probe";
  EXPECT_EQ(s.sent_text(), "0-1000");
}

TEST(TailLossProbe, ItsSackShowsWhatElseIsLost) {
  Path s;
  s.write(5000);
  s.next_timer_ms();
  s.sent_text();
  s.rtt_passes();
  s.ack(0, {{4000, 5000}});
  EXPECT_EQ(s.sent_text().substr(0, 6), "0-1000") << "sent long before the probe";
  EXPECT_EQ(s.counters.rto_timeouts, 0U);
}

// RFC 8985 7.1: recovery answers for the loss, and the probe has no say any more.
TEST(TailLossProbe, RecoveryEndsIt) {
  Path s;
  s.write(5000);
  s.next_timer_ms();
  s.rtt_passes();
  s.ack(0, {{4000, 5000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  const std::uint32_t ssthresh = s.tcb.ssthresh;
  s.rtt_passes();
  s.ack(5000);
  s.write(2000);
  s.rtt_passes();
  s.ack(7000);
  EXPECT_EQ(s.counters.tlp_losses, 0U);
  EXPECT_EQ(s.tcb.ssthresh, ssthresh) << "one loss, one answer";
}

TEST(TailLossProbe, IsNewDataWhereThereIsAny) {
  Path s;
  s.write(15'000);
  s.sent_text();
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "10000-11000") << "whatever cwnd says";
}

TEST(TailLossProbe, OfOneSegmentWaitsForADelayedAck) {
  Path s;
  s.write(700);
  EXPECT_EQ(s.next_timer_ms(), 220) << "never later than the RTO";
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-700P 0-700P 0-700P");
  EXPECT_EQ(s.counters.rto_timeouts, 1U);
}

TEST(TailLossProbe, NeedsSack) {
  Path s({.mss = 1000});
  s.write(5000);
  EXPECT_EQ(s.next_timer_ms(), 220);
  EXPECT_EQ(s.counters.tlp_probes, 0U);
}

TEST(TailLossProbe, NewDataDoesNotPutOffTheProbe) {
  Path s;
  s.write(2000);
  s.pass(Duration::milliseconds(30));
  s.write(2000);
  EXPECT_EQ(s.next_timer_ms(), 12);
}

// The last of five segments is lost; what the probe repaired shows when later data is acknowledged.
TEST(TailLossProbe, RepairedLossCutsTheWindow) {
  for (const bool reported_twice : {false, true}) {
    Path s;
    s.write(5000);
    s.rtt_passes();
    s.ack(4000);
    s.sent_text();
    s.next_timer_ms();
    ASSERT_EQ(s.sent_text(), "4000-5000P");
    s.rtt_passes();
    s.ack(5000);
    EXPECT_EQ(s.counters.tlp_losses, 0U);
    EXPECT_EQ(s.maps.used(), 0U);
    if (reported_twice) s.ack(5000, {{4000, 5000}});
    s.write(1000);
    s.rtt_passes();
    s.ack(6000);
    EXPECT_EQ(s.counters.tlp_losses, reported_twice ? 0U : 1U);
    EXPECT_EQ(s.tcb.ssthresh != kNoSsthresh, !reported_twice);
  }
}

TEST(Rack, ReorderingBelowTheWindowRetransmitsNothing) {
  Path s;
  s.write(3000);
  s.sent_text();
  s.rtt_passes();
  s.ack(0, {{1000, 2000}});
  s.pass(Duration::milliseconds(4));
  s.ack(2000);
  s.pass(Duration::milliseconds(10));
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.tcb.reordered, 1U);
}

TEST(Rack, HoleIsLostWhenTheWindowHasPassed) {
  Path s;
  s.write(3000);
  s.sent_text();
  s.rtt_passes();
  s.ack(0, {{1000, 2000}});
  EXPECT_EQ(s.next_timer_ms(), 5) << "a quarter of the shortest round trip";
  EXPECT_EQ(s.sent_text(), "0-1000");
  EXPECT_EQ(s.counters.reorder_timeouts, 1U);
}

TEST(Rack, OnceReorderingWasSeenThreeReportsAreNotEnough) {
  Path s;
  s.write(3000);
  s.rtt_passes();
  s.ack(0, {{1000, 2000}});
  s.ack(3000);
  s.write(6000);
  s.sent_text();
  s.rtt_passes();
  s.ack(3000, {{4000, 8000}});
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.next_timer_ms(), 5);
  EXPECT_EQ(s.sent_text(), "3000-4000");
}

TEST(Rack, WindowGrowsWithDsacksOnceARoundTrip) {
  Path s;
  s.write(3000);
  s.rtt_passes();
  s.ack(1000, {{0, 1000}});
  s.ack(1000, {{0, 1000}});
  s.ack(1000, {{0, 1000}, {2000, 3000}});
  EXPECT_EQ(s.tcb.reo_mult, 1U);
  s.sent_text();
  EXPECT_EQ(s.next_timer_ms(), 10) << "two quarters";
  EXPECT_EQ(s.sent_text(), "1000-2000");
}

// 40 minutes are more than microseconds modulo 2^32 can compare.
TEST(Rack, TimesFromBeforeALongClosedWindowAreForgotten) {
  Path s;
  s.write(3000);
  s.rtt_passes();
  s.ack(0, {{1000, 2000}});
  s.ack(0, 0U);
  for (int minute = 0; minute < 40; ++minute) {
    s.pass(Duration::seconds(60));
    s.ack(0, 0U);
  }
  ASSERT_EQ(s.tcb.state, State::kEstablished);
  s.ack(0, 60'000U);
  ASSERT_NE(s.tcb.flags & kInRtoRecovery, 0U);
  const auto sent_us = s.env().now_us();
  s.rtt_passes();
  s.ack(1000);
  ASSERT_EQ(s.maps.used(), 1U);
  EXPECT_EQ(s.maps[s.tcb.sends].rack_sent_us, sent_us);
}

TEST(Rack, ADsackOfLongAgoHoldsUpNoWidening) {
  Path s;
  s.write(3000);
  s.rtt_passes();
  s.ack(1000, {{0, 1000}});
  ASSERT_EQ(s.tcb.reo_mult, 1U);
  s.maps[s.tcb.sends].dsack_round = s.tcb.snd_una - 0x80000001U;  // as 2 GB later
  s.ack(1000, {{0, 1000}});
  EXPECT_EQ(s.tcb.reo_mult, 2U);
}

// 0 is lost, and so is its retransmission; what left after that arrives.
TEST(Rack, LostRetransmissionIsDetected) {
  Path s;
  s.write(30'000);
  s.sent_text();
  s.rtt_passes();
  s.ack(0, {{1000, 4000}});
  ASSERT_EQ(s.sent_text(), "0-1000");
  for (std::uint32_t right = 5000; right <= 10'000; right += 1000) s.ack(0, {{1000, right}});
  ASSERT_EQ(s.sent_text().substr(0, 11), "10000-11000");
  s.rtt_passes();
  s.ack(0, {{1000, 11'000}});
  EXPECT_EQ(s.sent_text().substr(0, 6), "0-1000");
  EXPECT_EQ(s.counters.lost_retransmissions, 1U);
  EXPECT_EQ(s.counters.rto_timeouts, 0U);
}

// SACK blocks of single bytes: the map is bounded, and so is what an acknowledgment makes us walk over.
TEST(Rack, ManyTinyBlocksAreBounded) {
  Path s;
  s.write(10'000);
  s.pass(Duration::milliseconds(10));
  for (std::uint32_t left = 9999; left > 12; left -= 12) {
    s.ack(0, {{left - 4, left - 3}, {left - 8, left - 7}, {left - 12, left - 11}});
    if (testing::Test::HasFailure()) return;
  }
  ASSERT_NE(s.tcb.sends, kNoIndex);
  EXPECT_LE(s.maps[s.tcb.sends].n, SendRecords::kMaxRecords);
  s.ack(10'000);
  EXPECT_EQ(s.more_sends.used(), 0U);
}

TEST(Eifel, TimestampOfTheOriginalUndoesATimeout) {
  Path s(with_timestamps());
  s.write(10'000);
  const std::uint32_t first = s.sent.front().tsval;
  while (s.counters.rto_timeouts == 0) s.next_timer_ms();
  ASSERT_EQ(s.tcb.cwnd, 1000U);
  s.sent_text();
  s.echo(first);
  s.ack(1000);
  EXPECT_EQ(s.counters.undone_by_timestamps, 1U);
  EXPECT_GE(s.tcb.cwnd, 10'000U);
  EXPECT_EQ(s.tcb.ssthresh, kNoSsthresh);
  EXPECT_EQ(s.sent_text(), "") << "nothing is lost";
}

TEST(Eifel, TimestampOfTheRetransmissionUndoesNothing) {
  Path s(with_timestamps());
  s.write(10'000);
  while (s.counters.rto_timeouts == 0) s.next_timer_ms();
  s.echo(s.sent.back().tsval);
  s.rtt_passes();
  s.ack(1000);
  EXPECT_EQ(s.counters.undone_by_timestamps, 0U);
  EXPECT_EQ(s.tcb.cwnd, 2000U);
}

TEST(Eifel, UndoesFastRecoveryToo) {
  Path s(with_timestamps());
  s.write(10'000);
  const std::uint32_t first = s.sent.front().tsval;
  s.rtt_passes();
  s.ack(0, {{1000, 5000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  s.pass(Duration::milliseconds(3));
  s.echo(first);
  s.ack(5000);
  EXPECT_EQ(s.counters.undone_by_timestamps, 1U);
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_GE(s.tcb.cwnd, 10'000U);
  EXPECT_EQ(s.tcb.reordered, 1U);
}

// 0-1000 and 4000-5000 of ten segments were sent again.
class TwoSentAgain : public Path {
 public:
  TwoSentAgain() : Path(with_timestamps()) {
    write(30'000);
    first_ = sent.front().tsval;
    rtt_passes();
    sent_text();
    ack(0, {{1000, 4000}, {5000, 10'000}});
    again_ = sent.back().tsval;
  }
  void original() { echo(first_); }
  void retransmission() { echo(again_); }

 private:
  std::uint32_t first_ = 0, again_ = 0;
};

// Nothing new is sent, and what reports the second retransmission echoes, as any report, the last segment in order.
TEST(Rack, ReportOfALaterRetransmissionTellsThatAnEarlierIsLost) {
  TwoSentAgain s;
  s.rtt_passes();
  s.sent_text();
  s.original();
  s.ack(0, {{1000, 10'000}});
  EXPECT_EQ(s.sent_text().substr(0, 6), "0-1000");
  EXPECT_EQ(s.counters.lost_retransmissions, 1U);
  EXPECT_EQ(s.counters.rto_timeouts, 0U);
}

TEST(Eifel, OneHoleFilledByARetransmissionProvesTheRecoveryRight) {
  TwoSentAgain s;
  ASSERT_EQ(s.sent_text().substr(0, 16), "0-1000 4000-5000");
  s.rtt_passes();
  s.retransmission();
  s.ack(4000, {{5000, 10'000}});
  s.original();
  s.ack(10'000);
  EXPECT_EQ(s.counters.undone_by_timestamps, 0U) << "late, among others that were lost";
  EXPECT_LT(s.tcb.cwnd, 10'000U);
}

TEST(Eifel, WaitsForEverythingThatWasSentAgain) {
  TwoSentAgain s;
  s.pass(Duration::milliseconds(3));
  s.original();
  s.ack(4000, {{5000, 10'000}});
  EXPECT_EQ(s.counters.undone_by_timestamps, 0U) << "4000-5000 may be lost";
  EXPECT_EQ(s.tcb.reordered, 1U);
  s.ack(10'000);
  EXPECT_EQ(s.counters.undone_by_timestamps, 1U);
  EXPECT_GE(s.tcb.cwnd, 10'000U);
}

TEST(Eifel, ReportsCountByTheirTime) {
  TwoSentAgain early;
  early.pass(Duration::milliseconds(3));
  early.ack(0, {{1000, 10'000}});
  early.original();
  early.ack(10'000);
  EXPECT_EQ(early.counters.undone_by_timestamps, 1U);
  TwoSentAgain late;
  late.rtt_passes();
  late.ack(0, {{1000, 10'000}});
  late.original();
  late.ack(10'000);
  EXPECT_EQ(late.counters.undone_by_timestamps, 0U) << "after a round trip it is the retransmission";
}

// A retransmission of one recovery may arrive in the next, whose own began later.
TEST(Eifel, RetransmissionOfTheRecoveryBeforeUndoesNothing) {
  Path s(with_timestamps());
  s.write(60'000);
  s.rtt_passes();
  s.ack(0, {{1000, 8000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  const std::uint32_t first = s.sent.back().tsval;
  const std::uint32_t middle = s.nxt();
  ASSERT_GE(middle, 12'000U);
  s.pass(Duration::milliseconds(5));
  s.ack(0, {{1000, 10'000}});
  const std::uint32_t right = s.nxt();
  ASSERT_GE(right, middle + 2000);
  s.pass(Duration::milliseconds(15));
  s.sent_text();
  s.ack(0, {{1000, 10'000}, {11'000, middle}});
  const std::uint32_t again = s.sent.back().tsval;
  ASSERT_NE(s.sent_text().find("10000-11000"), std::string::npos);
  s.pass(Duration::milliseconds(2));
  s.echo(first);
  s.ack(10'000, {{11'000, middle}});
  ASSERT_EQ(s.tcb.flags & kInRecovery, 0U);
  s.pass(Duration::milliseconds(3));
  s.ack(10'000, {{middle + 1000, right}, {11'000, middle}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  s.pass(Duration::milliseconds(15));
  s.echo(again);
  s.ack(middle, {{middle + 1000, right}});
  EXPECT_EQ(s.counters.undone_by_timestamps, 0U);
  EXPECT_NE(s.tcb.flags & kInRecovery, 0U);
  EXPECT_LT(s.tcb.cwnd, 10'000U);
}

TEST(Frto, SecondAckOfOriginalsUndoes) {
  Path s;
  s.write(30'000);
  while (s.counters.rto_timeouts == 0) s.next_timer_ms();
  s.sent_text();
  s.ack(1000);
  EXPECT_EQ(s.sent_text(), "11000-12000 12000-13000") << "new data, not what may be lost";
  EXPECT_EQ(s.counters.undone_by_frto, 0U);
  s.ack(2000);
  EXPECT_EQ(s.counters.undone_by_frto, 1U);
  EXPECT_GE(s.tcb.cwnd, 10'000U);
  EXPECT_EQ(s.tcb.flags & kInRtoRecovery, 0U);
  EXPECT_EQ(s.maps[s.tcb.sends].lost, 0U);
}

TEST(Frto, ReportOfNewDataSaysThatTheOldIsLost) {
  Path s;
  s.write(30'000);
  while (s.counters.rto_timeouts == 0) s.next_timer_ms();
  s.ack(1000);
  s.sent_text();
  s.rtt_passes();
  s.ack(1000, {{11'000, 12'000}});
  EXPECT_EQ(s.counters.undone_by_frto, 0U);
  EXPECT_EQ(s.sent_text().substr(0, 9), "1000-2000");
}

TEST(Dsack, OfEverythingSentAgainUndoes) {
  Path s;
  s.write(30'000);
  s.rtt_passes();
  s.ack(0, {{1000, 5000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  s.ack(5000);
  EXPECT_LT(s.tcb.cwnd, 10'000U);
  s.ack(5000, {{0, 1000}});
  EXPECT_EQ(s.counters.undone_by_dsack, 1U);
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
}

TEST(Dsack, OfALaterRoundTripUndoesNothing) {
  Path s;
  s.write(60'000);
  s.rtt_passes();
  s.ack(0, {{1000, 5000}});
  for (int round = 0; round < 3; ++round) {
    s.rtt_passes();
    s.ack(s.nxt());
  }
  const std::uint32_t cwnd = s.tcb.cwnd;
  s.ack(s.una(), {{0, 1000}});
  EXPECT_EQ(s.counters.undone_by_dsack, 0U);
  EXPECT_EQ(s.tcb.cwnd, cwnd);
}

// A message of the path's MTU makes all of it lost: F-RTO has nothing to find out any more.
TEST(Frto, EndsWhenThePathTurnsOutSmaller) {
  Path s;
  s.write(30'000);
  while (s.counters.rto_timeouts == 0) s.next_timer_ms();
  s.ack(1000);
  s.sent_text();
  lower_mss(s.tcb, 600, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text().substr(0, 19), "1000-1600 1600-2200") << "all that is outstanding goes again";
}

// --- D-SACKs that tell of something else ---

// The probe arrived twice, and the first segment was lost all the same.
TEST(DsackUndo, OfANeedlessProbeUndoesNothing) {
  Path s;
  s.write(5000);
  s.next_timer_ms();
  s.pass(Duration::milliseconds(1));
  s.ack(0, {{1000, 5000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  s.pass(kRtt - Duration::milliseconds(1));
  s.ack(0, {{4000, 5000}, {1000, 5000}});
  EXPECT_EQ(s.counters.undone_by_dsack, 0U);
  EXPECT_LT(s.tcb.ssthresh, 10'000U);
}

// RFC 3708: what the network doubled was not sent again.
TEST(DsackUndo, OfWhatWasNotSentAgainUndoesNothing) {
  Path s;
  s.write(5000);
  s.pass(Duration::milliseconds(30));
  s.ack(0, {{1000, 5000}});
  ASSERT_NE(s.tcb.flags & kInRecovery, 0U);
  s.ack(0, {{2000, 3000}, {1000, 5000}});
  EXPECT_EQ(s.counters.undone_by_dsack, 0U);
  s.rtt_passes();
  s.ack(5000, {{0, 1000}});
  EXPECT_EQ(s.counters.undone_by_dsack, 1U) << "and what was, does";
}

}  // namespace
}  // namespace sluice::tcp
