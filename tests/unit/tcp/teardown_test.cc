// SPDX-License-Identifier: BSD-3-Clause
// The closing states as segments lead through them (wire cases 57, 95 to 101, 104 to 109).
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

struct Teardown : ::testing::Test {
  explicit Teardown(const Offer& offer = {}) { c.open_passively(offer); }
  void shut() {
    shutdown_write(c.tcb, c.env());
    c.turn();
    EXPECT_EQ(c.answer(), c.tcb.state == State::kLastAck ? "FA 1 2" : "FA 1 1");
  }
  void let_go() {
    close(c.tcb, c.env());
    c.turn();
    c.settle();
  }
  OneConnection c;
};
struct TeardownWithTimestamps : Teardown {
  TeardownWithTimestamps() : Teardown({.tsval = 1000}) {}
};

TEST_F(Teardown, AckOfOurFinThenFinLeadsToTimeWait) {
  shut();
  EXPECT_EQ(c.tcb.state, State::kFinWait1);
  EXPECT_EQ(c.arrive({.ack = 2}), Verdict::kAckAccepted);
  EXPECT_EQ(c.tcb.state, State::kFinWait2);
  EXPECT_EQ(c.arrive({.flags = kFin | kAck, .ack = 2}), Verdict::kFinAccepted);
  EXPECT_EQ(c.tcb.state, State::kTimeWait);
  EXPECT_EQ(c.answer(), "A 2 2");
  EXPECT_EQ(c.tcb.t_long.until(c.env().tick), 120'000U * 8);
}

TEST_F(Teardown, CrossingFinsLeadThroughClosing) {
  shut();
  EXPECT_EQ(c.arrive({.flags = kFin | kAck}), Verdict::kFinAccepted);
  EXPECT_EQ(c.tcb.state, State::kClosing);
  EXPECT_EQ(c.answer(), "A 2 2");
  c.arrive({.seq = 2, .ack = 2});
  EXPECT_EQ(c.tcb.state, State::kTimeWait);
}

TEST_F(Teardown, FinThatAcknowledgesOursLeadsToTimeWaitAtOnce) {
  shut();
  EXPECT_EQ(c.arrive({.flags = kFin | kAck, .ack = 2, .data = "bye"}), Verdict::kFinAccepted);
  EXPECT_EQ(c.tcb.state, State::kTimeWait);
  EXPECT_EQ(c.answer(), "A 2 5");
  EXPECT_EQ(c.read(), "bye");
}

TEST_F(Teardown, HalfClosedConnectionStillReceives) {
  shut();
  c.arrive({.ack = 2});
  EXPECT_EQ(c.arrive({.ack = 2, .data = "more"}), Verdict::kData);
  EXPECT_EQ(c.read(), "more");
  c.settle();
  EXPECT_EQ(c.arrive({.flags = kSyn, .seq = 5}), Verdict::kSynChallenge);
  EXPECT_EQ(c.answer(), "A 2 5");
}

TEST_F(Teardown, NewTextAfterAFullCloseIsReset) {
  let_go();
  c.arrive({.ack = 2});
  EXPECT_EQ(c.tcb.state, State::kFinWait2);
  EXPECT_TRUE(c.tcb.t_long.armed());
  EXPECT_EQ(c.arrive({.ack = 2, .data = "x"}), Verdict::kDataAfterClose);
  EXPECT_EQ(c.answer(), "R 2");
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_EQ(c.events, 0U);
}

TEST_F(Teardown, NobodyIsToldOfTheFinAfterAFullClose) {
  let_go();
  c.arrive({.flags = kFin | kAck, .ack = 2});
  EXPECT_EQ(c.tcb.state, State::kTimeWait);
  EXPECT_EQ(c.events, 0U);
}

TEST_F(Teardown, NewTextInFinWait1AfterAFullCloseIsReset) {
  let_go();
  EXPECT_EQ(c.tcb.state, State::kFinWait1);
  EXPECT_EQ(c.arrive({.ack = 1, .data = "x"}), Verdict::kDataAfterClose);
  EXPECT_EQ(c.answer(), "R 1");
}

TEST_F(Teardown, OldTextAfterAFullCloseIsOnlyAcknowledged) {
  c.arrive({.data = "x"});
  c.read();
  let_go();
  EXPECT_EQ(c.arrive({.data = "x"}), Verdict::kKeepaliveAnswered);
  EXPECT_NE(c.tcb.state, State::kClosed);
}

TEST_F(Teardown, FinFirstLeadsThroughCloseWaitAndLastAck) {
  EXPECT_EQ(c.arrive({.flags = kFin | kAck}), Verdict::kFinAccepted);
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
  EXPECT_EQ(c.answer(), "A 1 2");
  EXPECT_EQ(c.events, kEventReadable);
  shut();
  EXPECT_EQ(c.tcb.state, State::kLastAck);
  EXPECT_EQ(c.arrive({.seq = 2, .ack = 2}), Verdict::kConnectionClosed);
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_EQ(c.tcb.error, Errc::kOk);
  EXPECT_NE(c.events & kEventClosed, 0U);
}

TEST_F(Teardown, DuplicateFinAndSynAreAnsweredInLastAck) {
  c.arrive({.flags = kFin | kAck});
  c.settle();
  shut();
  EXPECT_EQ(c.arrive({.flags = kFin | kAck}), Verdict::kDataDuplicate);
  EXPECT_EQ(c.answer(), "A 2 2");
  EXPECT_EQ(c.arrive({.flags = kSyn, .seq = 77}), Verdict::kSynChallenge);
  EXPECT_EQ(c.answer(), "A 2 2");
  EXPECT_EQ(c.tcb.state, State::kLastAck);
}

TEST_F(Teardown, TextAfterThePeersFinIsIgnored) {
  c.arrive({.flags = kFin | kAck, .data = "end"});
  c.settle();
  EXPECT_EQ(c.arrive({.seq = 5, .data = "ghost"}), Verdict::kDataRefused);
  EXPECT_EQ(c.read(), "end");
  EXPECT_EQ(c.tcb.rcv_nxt - kIrs, 5U);
}

TEST_F(Teardown, ResetInLastAckWithEverythingDeliveredIsNoError) {
  c.arrive({.flags = kFin | kAck});
  c.settle();
  shut();
  EXPECT_EQ(c.arrive({.flags = kRst, .seq = 2}), Verdict::kReset);
  EXPECT_EQ(c.tcb.error, Errc::kOk);
}

struct TimeWaitTest : TeardownWithTimestamps {
  // Through segments into TIME_WAIT with the application gone; RCV.NXT is 2, SND.NXT 2, TS.Recent 1001.
  void to_time_wait(bool timestamps = true) {
    let_go();
    In fin{.flags = kFin | kAck, .ack = 2};
    if (timestamps) fin.tsval = 1001;
    EXPECT_EQ(c.arrive(fin), Verdict::kFinAccepted);
    ASSERT_EQ(c.tcb.state, State::kTimeWait);
    ASSERT_TRUE(may_compact(c.tcb));
    c.settle();
    time_wait(record, c.tcb);
    compact = true;
  }
  // The record where there is one, else the Tcb.
  Verdict arrive(const In& in) {
    if (!compact) return c.arrive(in);
    Segment segment = c.make(in);
    OutSegment answer;
    const TimeWaitResult r = on_segment_time_wait(record, segment, c.now, answer);
    if (segment.payload != nullptr) c.bufs.release(segment.payload);
    if (answer.flags != 0) c.sent.push_back(answer);
    action = r.action;
    return r.verdict;
  }
  TimeWait record;
  TimeWaitAction action{};
  bool compact = false;
};

TEST_F(TimeWaitTest, RetransmittedFinIsAcknowledgedAndRestartsTheWait) {
  to_time_wait();
  EXPECT_EQ(arrive({.flags = kFin | kAck, .ack = 2, .tsval = 1002}), Verdict::kTimeWaitFin);
  EXPECT_EQ(action, TimeWaitAction::kRestart);
  EXPECT_EQ(c.sent[0].tsecr, 1002U);
  EXPECT_EQ(c.answer(), "A 2 2");
}

TEST_F(TimeWaitTest, PureAckInOrderIsMetWithSilence) {
  to_time_wait();
  EXPECT_EQ(arrive({.seq = 2, .ack = 2, .tsval = 1002}), Verdict::kTimeWaitIgnored);
  EXPECT_EQ(c.answer(), "");
}

TEST_F(TimeWaitTest, TextIsAcknowledgedAndDropped) {
  to_time_wait();
  EXPECT_EQ(arrive({.seq = 2, .ack = 2, .data = "x", .tsval = 1002}), Verdict::kTimeWaitAck);
  EXPECT_EQ(action, TimeWaitAction::kAnswer);
  EXPECT_EQ(c.answer(), "A 2 2");
}

TEST_F(TimeWaitTest, OldTimestampIsAcknowledged) {
  to_time_wait();
  EXPECT_EQ(arrive({.flags = kFin | kAck, .ack = 2, .tsval = 900}), Verdict::kTimeWaitAck);
  EXPECT_EQ(action, TimeWaitAction::kAnswer);
  EXPECT_EQ(record.ts_recent, 1001U);
  EXPECT_EQ(arrive({.seq = 2, .ack = 2, .tsval = 900}), Verdict::kTimeWaitAck);
}

TEST_F(TimeWaitTest, ResetInTimeWaitIsIgnored) {
  to_time_wait();
  for (const int seq : {2, 0, 100'000}) {
    EXPECT_EQ(arrive({.flags = kRst, .seq = seq}), Verdict::kTimeWaitRstIgnored);
    EXPECT_EQ(arrive({.flags = kRst | kAck, .seq = seq}), Verdict::kTimeWaitRstIgnored);
  }
  EXPECT_EQ(c.answer(), "");
}

TEST_F(TimeWaitTest, SynAckIsAcknowledged) {
  to_time_wait();
  EXPECT_EQ(arrive({.flags = kSyn | kAck, .seq = 900, .tsval = 2000}), Verdict::kTimeWaitAck);
  EXPECT_EQ(c.answer(), "A 2 2");
}

TEST_F(TimeWaitTest, SynIsJudgedByTimestampThenBySequenceNumber) {
  to_time_wait();
  struct {
    int seq;
    std::optional<std::uint32_t> tsval;
    Verdict verdict;
  } const cases[] = {
      {500, 1002, Verdict::kTimeWaitReused},  {-500, 1002, Verdict::kTimeWaitReused},
      {500, 1000, Verdict::kTimeWaitAck},     {-500, 1000, Verdict::kTimeWaitAck},
      {500, 1001, Verdict::kTimeWaitReused},  {-500, 1001, Verdict::kTimeWaitAck},
      {2, 1001, Verdict::kTimeWaitAck},       {500, {}, Verdict::kTimeWaitReused},
      {-500, {}, Verdict::kTimeWaitAck},
  };
  for (const auto& k : cases) {
    EXPECT_EQ(arrive({.flags = kSyn, .seq = k.seq, .tsval = k.tsval}), k.verdict)
        << k.seq << ' ' << k.tsval.value_or(0);
  }
}

TEST_F(TimeWaitTest, WithoutTimestampsAHigherSequenceNumberReusesAndWithThemInTheSynAny) {
  OneConnection plain;
  plain.open_passively();
  close(plain.tcb, plain.env());
  plain.turn();
  plain.arrive({.flags = kFin | kAck, .ack = 2});
  ASSERT_EQ(plain.tcb.state, State::kTimeWait);
  time_wait(record, plain.tcb);
  compact = true;
  EXPECT_EQ(arrive({.flags = kSyn, .seq = 3}), Verdict::kTimeWaitReused);
  EXPECT_EQ(arrive({.flags = kSyn, .seq = 2}), Verdict::kTimeWaitAck);
  EXPECT_EQ(arrive({.flags = kSyn, .seq = -9, .tsval = 77}), Verdict::kTimeWaitReused);
}

TEST_F(TimeWaitTest, ConnectionThatTheApplicationStillHoldsFollowsTheSameRules) {
  shut();
  c.arrive({.flags = kFin | kAck, .ack = 2, .tsval = 1001});
  ASSERT_EQ(c.tcb.state, State::kTimeWait);
  EXPECT_FALSE(may_compact(c.tcb));
  c.settle();
  c.advance(Duration::seconds(5));
  EXPECT_EQ(arrive({.flags = kFin | kAck, .ack = 2, .tsval = 1001}), Verdict::kTimeWaitFin);
  EXPECT_EQ(c.answer(), "A 2 2");
  EXPECT_EQ(c.tcb.t_long.until(c.env().tick), 120'000U * 8);
  EXPECT_EQ(arrive({.flags = kRst, .seq = 2}), Verdict::kTimeWaitRstIgnored);
  EXPECT_EQ(arrive({.flags = kSyn, .seq = 500, .tsval = 1001}), Verdict::kTimeWaitReused);
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_NE(c.events & kEventClosed, 0U);
  EXPECT_EQ(c.tcb.snd_nxt - kIss, 2U);
}

}  // namespace
}  // namespace sluice::tcp
