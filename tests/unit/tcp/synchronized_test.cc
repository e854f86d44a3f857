// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.4, steps 1 to 6, with RFC 5961 and RFC 7323 (wire cases 37 to 41, 58, 59, 83 to 94, 111).
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

struct Established : ::testing::Test {
  explicit Established(const Offer& offer = {}) { c.open_passively(offer); }
  OneConnection c;
};
struct EstablishedWithTimestamps : Established {
  EstablishedWithTimestamps() : Established({.tsval = 1000}) {}
};

TEST_F(Established, SegmentWithoutAckIsDropped) {
  for (const std::uint8_t flags : {0, +kPsh, +kFin, +kUrg}) {
    EXPECT_EQ(c.arrive({.flags = static_cast<std::uint8_t>(flags), .data = "x"}), Verdict::kNoAck);
  }
  EXPECT_EQ(c.answer(), "");
  EXPECT_EQ(c.tcb.state, State::kEstablished);
}

TEST_F(Established, ExactResetEndsItInSilence) {
  EXPECT_EQ(c.arrive({.flags = kRst, .ack = 0}), Verdict::kReset);
  EXPECT_EQ(c.answer(), "");
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_EQ(c.tcb.error, Errc::kConnectionReset);
  EXPECT_EQ(c.events, kEventClosed);
  EXPECT_EQ(c.counters.mib.EstabResets, 1U);
  EXPECT_EQ(c.counters.mib.CurrEstab, 0U);
}

TEST_F(Established, ExactResetWithABadAckEndsItToo) {
  EXPECT_EQ(c.arrive({.flags = kRst | kAck, .ack = 9999}), Verdict::kReset);
}

TEST_F(Established, WhatWasReceivedBeforeAResetCanStillBeRead) {
  c.arrive({.data = "last words"});
  c.arrive({.flags = kRst, .seq = 11});
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_EQ(c.read(), "last words");
}

TEST_F(Established, InexactResetInTheWindowIsChallenged) {
  EXPECT_EQ(c.arrive({.flags = kRst, .seq = 2}), Verdict::kRstChallenge);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.tcb.state, State::kEstablished);
}

TEST_F(Established, ResetOutsideTheWindowIsIgnored) {
  for (const int seq : {0, -1000, 300'000}) {
    EXPECT_EQ(c.arrive({.flags = kRst, .seq = seq}), Verdict::kRstOutOfWindow);
  }
  EXPECT_EQ(c.answer(), "");
}

TEST_F(Established, SynIsChallengedWhereverItPoints) {
  for (const int seq : {0, 1, 2, -5000, 10'000'000}) {
    EXPECT_EQ(c.arrive({.flags = kSyn, .seq = seq}), Verdict::kSynChallenge) << seq;
    EXPECT_EQ(c.answer(), "A 1 1");
    c.advance(Duration::milliseconds(500));
  }
  EXPECT_EQ(c.arrive({.flags = kSyn | kAck, .seq = 0}), Verdict::kSynChallenge);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.tcb.state, State::kEstablished);
}

TEST_F(Established, BurstOfSynsGetsOneChallengeAckInHalfASecond) {
  for (int i = 0; i < 30; ++i) c.arrive({.flags = kSyn, .seq = i});
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.counters.challenge_acks, 1U);
  EXPECT_EQ(c.counters.challenge_acks_limited, 29U);
  c.advance(Duration::milliseconds(499));
  EXPECT_EQ(c.arrive({.flags = kSyn}), Verdict::kChallengeLimited);
  c.advance(Duration::milliseconds(1));
  EXPECT_EQ(c.arrive({.flags = kSyn}), Verdict::kSynChallenge);
}

TEST(ChallengeAck, LimitHoldsWhereItsClockReadsZero) {
  OneConnection c;
  c.now = Instant{(std::int64_t{1} << 24U) * 1'000'000};
  c.open_passively();
  c.arrive({.flags = kSyn});
  c.arrive({.flags = kSyn});
  EXPECT_EQ(c.answer(), "A 1 1");
}

// The largest buffer that there can be: every old number is plausible.
TEST(ChallengeAck, LimitIsNotForDuplicatesOfALargeWindow) {
  OneConnection c(Params{.rcvbuf = 1U << 30U});
  c.open_passively();
  c.arrive({.data = "text"});
  c.settle();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(c.arrive({.data = "text"}), Verdict::kDataDuplicate);
    EXPECT_EQ(c.answer(), "A 1 5");
  }
}

TEST_F(Established, AckOfWhatWasNeverSentIsAnsweredAndItsTextRefused) {
  EXPECT_EQ(c.arrive({.ack = 2, .data = "x"}), Verdict::kAckTooHigh);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.read(), "");
  EXPECT_EQ(c.arrive({.ack = 2}), Verdict::kAckTooHigh);
  EXPECT_EQ(c.answer(), "A 1 1");
}

TEST_F(Established, AckOlderThanTheLargestWindowIsChallengedAndItsTextRefused) {
  c.arrive({.wnd = 8192});
  c.settle();
  EXPECT_EQ(c.arrive({.ack = 1 - 8193, .data = "x"}), Verdict::kAckTooOld);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.read(), "");
}

TEST_F(Established, AckSlightlyBelowSndUnaIsAcceptedWithItsText) {
  EXPECT_EQ(c.arrive({.ack = 1 - 8192, .data = "x"}), Verdict::kData);
  EXPECT_EQ(c.read(), "x");
}

TEST_F(Established, KeepaliveProbeIsAnswered) {
  EXPECT_EQ(c.arrive({.seq = 0}), Verdict::kKeepaliveAnswered);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.arrive({.seq = 0, .data = "g"}), Verdict::kKeepaliveAnswered);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.read(), "");
}

TEST_F(Established, UrgentTextStaysInLine) {
  EXPECT_EQ(c.arrive({.flags = kAck | kUrg | kPsh, .data = "urgent"}), Verdict::kData);
  EXPECT_EQ(c.read(), "urgent");
}

TEST_F(Established, TextFullyBeyondTheWindowIsOnlyAcknowledged) {
  EXPECT_EQ(c.arrive({.seq = 300'000, .data = "far"}), Verdict::kDataOutOfWindow);
  EXPECT_EQ(c.answer(), "A 1 1");
}

TEST_F(Established, DuplicateAndOutOfWindowAcksDoNotProvokeAnswersWithoutEnd) {
  for (int i = 0; i < 10; ++i) c.arrive({.seq = -20});
  EXPECT_EQ(c.answer(), "A 1 1");
}

TEST_F(EstablishedWithTimestamps, OldTimestampIsAcknowledgedAndDropped) {
  EXPECT_EQ(c.arrive({.data = "x", .tsval = 999}), Verdict::kPaws);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.read(), "");
  EXPECT_EQ(c.counters.paws_dropped, 1U);
}

TEST_F(EstablishedWithTimestamps, ResetIsExemptFromPaws) {
  EXPECT_EQ(c.arrive({.flags = kRst, .tsval = 1}), Verdict::kReset);
}

TEST_F(EstablishedWithTimestamps, SegmentWithoutTimestampsIsAccepted) {
  EXPECT_EQ(c.arrive({.data = "x"}), Verdict::kData);
}

TEST_F(EstablishedWithTimestamps, TimestampMayWrap) {
  const std::uint32_t steps[] = {1000U + 0x7fffffffU, 0xfffffff0U, 50};
  int seq = 1;
  for (const std::uint32_t tsval : steps) {
    EXPECT_EQ(c.arrive({.seq = seq++, .data = "x", .tsval = tsval}), Verdict::kData) << tsval;
    EXPECT_EQ(c.tcb.ts_recent, tsval);
  }
}

TEST_F(EstablishedWithTimestamps, AfterTwentyFourDaysTheOldTimestampSaysNothing) {
  constexpr std::int64_t kUnit = 32'768;  // seconds: TS.Recent's age is kept no finer
  c.advance(Duration::seconds(24 * 86'400 - kUnit));
  EXPECT_EQ(c.arrive({.data = "x", .tsval = 900}), Verdict::kPaws);
  c.advance(Duration::seconds(2 * kUnit));
  EXPECT_EQ(c.arrive({.data = "x", .tsval = 900}), Verdict::kData);
  EXPECT_EQ(c.tcb.ts_recent, 900U);
}

TEST_F(EstablishedWithTimestamps, OnlySegmentsUpToLastAckSentUpdateTsRecent) {
  c.arrive({.seq = 5, .data = "ahead", .tsval = 1500});
  EXPECT_EQ(c.tcb.ts_recent, 1000U);
  c.arrive({.tsval = 1600});  // a pure ACK counts
  EXPECT_EQ(c.tcb.ts_recent, 1600U);
}

TEST_F(EstablishedWithTimestamps, UnacceptableAckDoesNotPoisonTsRecent) {
  c.arrive({.ack = 50, .tsval = 0x70000000});
  EXPECT_EQ(c.tcb.ts_recent, 1000U);
}

TEST_F(EstablishedWithTimestamps, EveryAnswerEchoesTsRecent) {
  c.arrive({.data = "x", .tsval = 1234});
  ASSERT_EQ(c.sent.size(), 1U);
  EXPECT_EQ(c.sent[0].options & kOptTimestamps, kOptTimestamps);
  EXPECT_EQ(c.sent[0].tsecr, 1234U);
  EXPECT_EQ(c.sent[0].tsval, c.env().now_ms() + c.ts_offset);
}

}  // namespace
}  // namespace sluice::tcp
