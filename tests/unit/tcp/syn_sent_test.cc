// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.3 and simultaneous open (wire cases 23 to 27).
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

struct SynSent : ::testing::Test {
  SynSent() {
    c.open_actively();
    c.settle();
  }
  OneConnection c;
};

TEST_F(SynSent, SynAckEstablishesAndIsAcknowledged) {
  EXPECT_EQ(c.arrive({.flags = kSyn | kAck, .seq = 0, .mss = 1000}), Verdict::kSynSentEstablished);
  EXPECT_EQ(c.tcb.state, State::kEstablished);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.events, kEventConnected);
  EXPECT_EQ(c.tcb.mss, 1000);
  EXPECT_EQ(c.counters.mib.ActiveOpens, 1U);
}

TEST_F(SynSent, WindowKeepsItsSizeWhenThePeerDoesNotScale) {
  const std::uint32_t announced = std::uint32_t{c.tcb.rcv_wnd} << c.tcb.rcv_wscale;
  Segment segment = c.make({.flags = kSyn | kAck, .seq = 0});
  on_segment(c.tcb, segment, c.env());  // and no output(), which would announce anew
  EXPECT_EQ(c.tcb.rcv_wscale, 0);
  EXPECT_EQ(announced, 65528U);
  EXPECT_EQ(rcv_wnd_bytes(c.tcb), announced);
}

TEST_F(SynSent, WindowOfASynAckIsNotScaled) {
  c.arrive({.flags = kSyn | kAck, .seq = 0, .wnd = 20000, .wscale = 7});
  EXPECT_EQ(c.tcb.snd_wnd, 20000 >> 7);
  EXPECT_EQ(c.tcb.snd_wscale, 7);
}

TEST_F(SynSent, TextAndFinOnTheSynAckAreAccepted) {
  EXPECT_EQ(c.arrive({.flags = kSyn | kAck | kFin, .seq = 0, .data = "hi"}), Verdict::kSynSentEstablished);
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
  EXPECT_EQ(c.answer(), "A 1 4");
  EXPECT_EQ(c.read(), "hi");
}

TEST_F(SynSent, UnacceptableAckIsReset) {
  EXPECT_EQ(c.arrive({.ack = 5}), Verdict::kSynSentBadAck);
  EXPECT_EQ(c.answer(), "R 5");
  EXPECT_EQ(c.arrive({.flags = kSyn | kAck, .seq = 0, .ack = 0}), Verdict::kSynSentBadAck);
  EXPECT_EQ(c.answer(), "R 0");
  EXPECT_EQ(c.tcb.state, State::kSynSent);
}

TEST_F(SynSent, ResetWithAnUnacceptableAckIsDropped) {
  EXPECT_EQ(c.arrive({.flags = kRst | kAck, .ack = 5}), Verdict::kSynSentIgnored);
  EXPECT_EQ(c.answer(), "");
  EXPECT_EQ(c.tcb.state, State::kSynSent);
}

TEST_F(SynSent, ResetThatAcknowledgesTheSynRefuses) {
  EXPECT_EQ(c.arrive({.flags = kRst | kAck, .seq = 0}), Verdict::kSynSentRefused);
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_EQ(c.tcb.error, Errc::kConnectionRefused);
  EXPECT_EQ(c.events, kEventClosed);
  EXPECT_EQ(c.counters.mib.AttemptFails, 1U);
}

TEST_F(SynSent, ResetWithoutAckIsDropped) {
  EXPECT_EQ(c.arrive({.flags = kRst, .seq = 0}), Verdict::kSynSentIgnored);
  EXPECT_EQ(c.tcb.state, State::kSynSent);
}

TEST_F(SynSent, AckAloneIsDropped) {
  EXPECT_EQ(c.arrive({}), Verdict::kSynSentIgnored);
  EXPECT_EQ(c.answer(), "");
}

TEST_F(SynSent, CrossingSynIsAnsweredAndItsAckEstablishes) {
  EXPECT_EQ(c.arrive({.flags = kSyn, .seq = 0}), Verdict::kSynSentSimultaneous);
  EXPECT_EQ(c.tcb.state, State::kSynRcvd);
  EXPECT_EQ(c.answer(), "SA 0 1");
  EXPECT_EQ(c.arrive({}), Verdict::kSynRcvdEstablished);
  EXPECT_EQ(c.tcb.state, State::kEstablished);
  EXPECT_EQ(c.events, kEventConnected);
}

TEST_F(SynSent, CrossingSynAcksEstablishToo) {
  c.arrive({.flags = kSyn, .seq = 0});
  c.settle();
  EXPECT_EQ(c.arrive({.flags = kSyn | kAck, .seq = 0}), Verdict::kSynRcvdEstablished);
  EXPECT_EQ(c.answer(), "A 1 1");
}

TEST_F(SynSent, WindowOfACrossingSynAckIsNotScaledEither) {
  c.arrive({.flags = kSyn, .seq = 0, .wscale = 4});
  EXPECT_EQ(c.arrive({.flags = kSyn | kAck, .seq = 0, .wnd = 16000, .wscale = 4}), Verdict::kSynRcvdEstablished);
  EXPECT_EQ(snd_wnd_bytes(c.tcb), 16000U);
}

TEST_F(SynSent, SynAgainInSynRcvdGetsTheSynAckAgain) {
  c.arrive({.flags = kSyn, .seq = 0});
  c.settle();
  EXPECT_EQ(c.arrive({.flags = kSyn, .seq = 0}), Verdict::kSynRcvdDuplicateSyn);
  EXPECT_EQ(c.answer(), "SA 0 1");
  EXPECT_EQ(c.arrive({}), Verdict::kSynRcvdEstablished);
}

TEST_F(SynSent, OtherSynInSynRcvdIsChallenged) {
  c.arrive({.flags = kSyn, .seq = 0});
  c.settle();
  EXPECT_EQ(c.arrive({.flags = kSyn, .seq = 9}), Verdict::kSynChallenge);
  EXPECT_EQ(c.answer(), "A 1 1");
}

TEST_F(SynSent, BadAckInSynRcvdIsReset) {
  c.arrive({.flags = kSyn, .seq = 0});
  c.settle();
  EXPECT_EQ(c.arrive({.ack = 2}), Verdict::kSynRcvdBadAck);
  EXPECT_EQ(c.answer(), "R 2");
  EXPECT_EQ(c.tcb.state, State::kSynRcvd);
}

TEST_F(SynSent, ResetInSynRcvdRefuses) {
  c.arrive({.flags = kSyn, .seq = 0});
  EXPECT_EQ(c.arrive({.flags = kRst}), Verdict::kReset);
  EXPECT_EQ(c.tcb.error, Errc::kConnectionRefused);
}

TEST_F(SynSent, HardIcmpErrorAborts) {
  on_icmp_error(c.tcb, Errc::kConnectionRefused, true, c.env());
  c.turn();
  EXPECT_EQ(c.tcb.state, State::kClosed);
  EXPECT_EQ(c.tcb.error, Errc::kConnectionRefused);
  EXPECT_EQ(c.events, kEventClosed);
}

TEST_F(SynSent, SoftIcmpErrorIsOnlyNoted) {
  on_icmp_error(c.tcb, Errc::kNetUnreachable, false, c.env());
  EXPECT_EQ(c.tcb.state, State::kSynSent);
  finish(c.tcb, Errc::kTimedOut, c.env());
  EXPECT_EQ(c.tcb.error, Errc::kNetUnreachable);
}

TEST(IcmpError, HardOneIsSoftOnceEstablished) {
  OneConnection c;
  c.open_passively();
  on_icmp_error(c.tcb, Errc::kHostUnreachable, true, c.env());
  EXPECT_EQ(c.tcb.state, State::kEstablished);
  EXPECT_EQ(c.arrive({.flags = kRst}), Verdict::kReset);
  EXPECT_EQ(c.tcb.error, Errc::kConnectionReset);
}

}  // namespace
}  // namespace sluice::tcp
