// SPDX-License-Identifier: BSD-3-Clause
// CLOSE and ABORT in every state (RFC 9293 3.10.4, 3.10.5), shutdown, and the other
// calls' answers by state.
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

// Brings a connection into the state by segments and calls.
void reach(Sender& s, State state) {
  switch (state) {
    case State::kClosed:
    case State::kListen: return;
    case State::kSynSent: s.open_actively(); break;
    case State::kSynRcvd:
      s.open_actively();
      s.arrive(In{.flags = kSyn, .seq = 0, .ack = 0, .wnd = 65535, .mss = 1460});
      break;
    case State::kEstablished: s.establish(); break;
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kClosing:
    case State::kTimeWait:
      s.establish();
      shutdown_write(s.tcb, s.env());
      s.turn();
      if (state == State::kFinWait2 || state == State::kTimeWait) s.ack(1);
      if (state == State::kClosing) s.peer_fin(0);
      if (state == State::kTimeWait) s.peer_fin(1);
      break;
    case State::kCloseWait:
    case State::kLastAck:
      s.establish();
      s.peer_fin(0);
      if (state == State::kLastAck) shutdown_write(s.tcb, s.env());
      s.turn();
      break;
  }
  ASSERT_EQ(s.tcb.state, state);
  s.settle();
}

struct CloseCase {
  State from;
  State closed;           // after CLOSE
  const char* close_sent;
  const char* abort_sent; // ABORT always ends in CLOSED
};
class Close : public testing::TestWithParam<CloseCase> {};

TEST_P(Close, CallGoesOnAlone) {
  Sender s;
  reach(s, GetParam().from);
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.tcb.state, GetParam().closed);
  EXPECT_EQ(s.sent_text(), GetParam().close_sent);
  EXPECT_EQ(s.events, 0U) << "nobody is there to hear of it";
}
TEST_P(Close, AbortForgetsTheConnection) {
  Sender s;
  reach(s, GetParam().from);
  abort(s.tcb, Errc::kConnectionAborted, s.env());
  s.turn();
  EXPECT_EQ(s.tcb.state, State::kClosed);
  EXPECT_EQ(s.sent_text(), GetParam().abort_sent);
  EXPECT_EQ(s.events, 0U);
  EXPECT_FALSE(next_deadline(s.tcb).armed());
}
TEST_P(Close, WithLingerZeroAborts) {
  Sender s;
  reach(s, GetParam().from);
  s.params.linger_s = 0;
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.tcb.state, GetParam().from == State::kTimeWait ? State::kTimeWait : State::kClosed);
  EXPECT_EQ(s.sent_text(), GetParam().from == State::kTimeWait ? "" : GetParam().abort_sent);
}
INSTANTIATE_TEST_SUITE_P(
    States, Close,
    testing::Values(CloseCase{State::kClosed, State::kClosed, "", ""},
                    CloseCase{State::kSynSent, State::kClosed, "", ""},
                    CloseCase{State::kSynRcvd, State::kFinWait1, "0-0F", "0-0R"},
                    CloseCase{State::kEstablished, State::kFinWait1, "0-0F", "0-0R"},
                    CloseCase{State::kFinWait1, State::kFinWait1, "", "1-1R"},
                    CloseCase{State::kFinWait2, State::kFinWait2, "", "1-1R"},
                    CloseCase{State::kCloseWait, State::kLastAck, "0-0F", "0-0R"},
                    CloseCase{State::kClosing, State::kClosing, "", ""},
                    CloseCase{State::kLastAck, State::kLastAck, "", ""},
                    CloseCase{State::kTimeWait, State::kTimeWait, "", ""}),
    [](const auto& test) { return state_name(test.param.from); });

TEST(CloseStory, UnreadBytesGiveAReset) {
  Sender s;
  s.establish();
  s.peer_data("unread", 0);
  s.settle();
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-0R");
  EXPECT_EQ(s.tcb.state, State::kClosed);
}

TEST(CloseStory, AbortInLastAckResetsWhatIsNotDelivered) {
  Sender s;
  reach(s, State::kCloseWait);
  s.write(100);
  shutdown_write(s.tcb, s.env());
  s.turn();
  s.settle();
  abort(s.tcb, Errc::kOk, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "101-101R");
}

TEST(CloseStory, CloseInClosingWithUnreadBytesResets) {
  Sender s;
  s.establish();
  s.peer_data("unread", 0);
  shutdown_write(s.tcb, s.env());
  s.turn();
  s.peer_fin(0);
  ASSERT_EQ(s.tcb.state, State::kClosing);
  s.settle();
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "1-1R");
}

TEST(CloseStory, ResetCarriesSndNxtAndAnAck) {
  Sender s;
  s.establish();
  s.write(3000);
  s.settle();
  abort(s.tcb, Errc::kOk, s.env());
  s.turn();
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_EQ(s.sent[0].seq, Sender::first() + 3000);
  EXPECT_EQ(s.sent[0].flags, kRst | kAck);
  EXPECT_EQ(s.sent[0].ack, s.tcb.rcv_nxt);
}

TEST(CloseStory, QueuedBytesLeaveBeforeTheFin) {
  Sender s;
  s.establish(1460);
  s.write(4000);
  close(s.tcb, s.env());
  s.turn();
  s.ack(1460);
  s.ack(2920);
  EXPECT_EQ(s.sent_text(), "0-1460 1460-2920 2920-4000PF");
  s.ack(4001);
  EXPECT_EQ(s.tcb.state, State::kFinWait2);
}

TEST(CloseStory, LostFinIsSentAgain) {
  Sender s;
  s.establish();
  s.write(100);
  s.ack(100);
  close(s.tcb, s.env());
  s.turn();
  s.sent_text();
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "100-100F");
}

TEST(CloseStory, LostFinWithDataIsSentAgainWhole) {
  Sender s;
  s.establish();
  s.write(100);
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-100P 100-100F");
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-100PF");
  s.ack(101);
  EXPECT_EQ(s.tcb.state, State::kFinWait2);
}

// SYN|ACK and FIN outstanding together (figure 5: SYN-RECEIVED, CLOSE).
TEST(CloseStory, CloseInSynRcvdRepeatsTheSynFirst) {
  Sender s;
  reach(s, State::kSynRcvd);
  close(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-0F");
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "-1--1S");
  s.ack(0);
  EXPECT_EQ(s.tcb.state, State::kFinWait1);
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "0-0F");
  s.ack(1);
  EXPECT_EQ(s.tcb.state, State::kFinWait2);
}

TEST(CloseStory, CloseInSynRcvdAndOneAckOfBoth) {
  Sender s;
  reach(s, State::kSynRcvd);
  close(s.tcb, s.env());
  s.turn();
  s.ack(1);
  EXPECT_EQ(s.tcb.state, State::kFinWait2);
}

TEST(CloseStory, CloseWaitStillSends) {
  Sender s;
  reach(s, State::kCloseWait);
  s.write(10);
  EXPECT_EQ(s.sent_text(), "0-10P");
  shutdown_write(s.tcb, s.env());
  s.turn();
  s.ack(11);
  EXPECT_EQ(s.tcb.state, State::kClosed);
  EXPECT_EQ(s.tcb.error, Errc::kOk);
  EXPECT_NE(s.events & kEventClosed, 0U);
}

TEST(CloseStory, NothingLeavesAClosedConnection) {
  Sender s;
  s.establish();
  s.write(100'000);
  abort(s.tcb, Errc::kOk, s.env());
  s.turn();
  s.settle();
  s.tcb.flags |= kAckNow;
  s.turn();
  s.fire();
  EXPECT_EQ(s.sent_text(), "");
}

TEST(Calls, SendTakesBytesInEstablishedAndCloseWaitOnly) {
  for (const State state : {State::kClosed, State::kSynSent, State::kSynRcvd, State::kFinWait1, State::kFinWait2,
                            State::kClosing, State::kLastAck, State::kTimeWait}) {
    Sender s;
    reach(s, state);
    EXPECT_FALSE(can_send(s.tcb)) << state_name(state);
    EXPECT_EQ(s.write(1), 0U) << state_name(state);
    EXPECT_FALSE(s.write_buf(1)) << state_name(state);
  }
  for (const State state : {State::kEstablished, State::kCloseWait}) {
    Sender s;
    reach(s, state);
    EXPECT_TRUE(can_send(s.tcb)) << state_name(state);
    EXPECT_EQ(s.write(1), 1U) << state_name(state);
  }
}

TEST(Calls, ActiveOpenOffersEverything) {
  Sender s(Params{.rcvbuf = 1'000'000, .mss = 1000});
  s.open_actively();
  ASSERT_EQ(s.sent.size(), 1U);
  const OutSegment& syn = s.sent[0];
  EXPECT_EQ(syn.flags, kSyn);
  EXPECT_EQ(syn.seq, kIss);
  EXPECT_EQ(syn.options, kOptMss | kOptWscale | kOptSackPermitted | kOptTimestamps);
  EXPECT_EQ(syn.mss, 1000);
  EXPECT_EQ(syn.wscale, 4);
  EXPECT_EQ(s.counters.mib.ActiveOpens, 1U);
}

TEST(Calls, SynAckOfASimultaneousOpenOffersWhatThePeerDid) {
  Sender s;
  s.open_actively();
  s.settle();
  s.arrive(In{.flags = kSyn, .seq = 0, .ack = 0, .mss = 1460, .sack_permitted = true});
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_EQ(s.sent[0].flags, kSyn | kAck);
  EXPECT_EQ(s.sent[0].seq, kIss);
  EXPECT_EQ(s.sent[0].options, kOptMss | kOptSackPermitted);
}

TEST(Calls, SmallerMssBoundsWhatIsSent) {
  Sender s;
  s.establish();
  s.params.mss = 500;
  params_changed(s.tcb, s.env());
  s.write(1000);
  EXPECT_EQ(s.sent_text(), "0-500 500-1000P");
}

TEST(Calls, SegmentsAreBoundedByThePeersMss) {
  using Case = std::pair<std::optional<std::uint16_t>, std::uint32_t>;
  for (const auto& [offered, expected] : {Case{std::nullopt, 536}, Case{0, 536}, Case{1, 64}, Case{65535, 1460}}) {
    Sender s;
    s.establish(65535, Offer{.mss = offered});
    s.write(3000);
    EXPECT_EQ(s.sent[0].len, expected);
  }
}

}  // namespace
}  // namespace sluice::tcp
