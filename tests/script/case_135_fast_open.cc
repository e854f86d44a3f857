// SPDX-License-Identifier: BSD-3-Clause
// Case 135: a cookie on request; with a good one the SYN's text is delivered before the ACK, with a bad one it is
// left to be sent again; nothing is delivered twice.
#include "script/dialogue.h"

namespace sluice::script {

namespace {

Scene fast_scene() {
  Scene scene;
  scene.host.stack.fastopen = true;
  return scene;
}

std::string ask(Dialogue& d, Peer& peer) {
  peer.send(SYN, seq(0), mss(1000), fast_open());
  d.verdict_is(Verdict::kListenSyn);
  peer.expect(SYN | ACK, seq(0), ack(1));
  const std::string cookie = peer.last().fast_open.value_or("");
  peer.send(RST, seq(1));
  peer.forget(peer.isn() + 1000);
  return cookie;
}

}  // namespace

TEST_P(Family, FastOpenIsOffByDefault) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), data("hello"), fast_open());
  d.expect(SYN | ACK, seq(0), ack(1));
  EXPECT_FALSE(d.peer().last().fast_open);
}

TEST_P(Family, FastOpenCookieIsGrantedOnRequest) {
  Dialogue d(GetParam(), fast_scene());
  d.send(SYN, seq(0), mss(1000), wscale(7), sack_permitted(), timestamps(), data("hello"), fast_open());
  d.expect(SYN | ACK, seq(0), ack(1));  // the text is not taken yet
  ASSERT_TRUE(d.peer().last().fast_open);
  EXPECT_EQ(d.peer().last().fast_open->size(), 8U);
  EXPECT_EQ(d.app().accepted(), 0U);
  Peer& other = d.add_peer(40001, d.peer_address(3));
  EXPECT_NE(ask(d, other), *d.peer().last().fast_open);  // each client has its own
}

TEST_P(Family, TextOfAFastSynIsDeliveredBeforeTheAck) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  d.send(SYN, seq(0), mss(1000), timestamps(), sack_permitted(), data("hello"), fast_open(cookie));
  d.verdict_is(Verdict::kListenFastOpen);
  d.expect(SYN | ACK, seq(0), ack(6));
  EXPECT_FALSE(d.peer().last().fast_open);  // the one it has will do
  d.state_is(State::kSynRcvd);
  EXPECT_EQ(d.app().accepted(), 1U);
  EXPECT_EQ(d.app().received(), "hello");
  d.app().send("world");
  d.expect(ACK, seq(1), ack(6), data("world"));
  d.send(ACK, seq(6), ack(6));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().accepted(), 1U);
  d.advance(5s);
  d.expect_silence();
  d.send(ACK, seq(6), ack(6), data("!"));
  d.expect(ACK, seq(6), ack(7));
  EXPECT_EQ(d.app().received(), "hello!");
}

TEST_P(Family, AnswerToAFastSynIsSentAgainBehindTheSynAck) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  d.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.expect(SYN | ACK, seq(0), ack(6));
  d.app().send("world");
  d.expect(ACK, seq(1), ack(6), data("world"));
  d.advance(1s);  // nothing of it arrived
  d.expect(SYN | ACK, seq(0), ack(6));
  d.send(ACK, seq(6), ack(1));
  d.state_is(State::kEstablished);
  d.advance(4s);
  d.expect(ACK, seq(1), ack(6), data("world"));
  d.send(ACK, seq(6), ack(6));
  d.advance(10s);
  d.expect_silence();
  EXPECT_EQ(d.app().received(), "hello");
}

TEST_P(Family, FastSynSentAgainIsDeliveredOnce) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  for (int i = 0; i < 3; ++i) {
    d.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
    d.expect(SYN | ACK, seq(0), ack(6));
  }
  d.send(SYN, seq(0), mss(1000));  // as after a time-out
  d.expect(SYN | ACK, seq(0), ack(6));
  d.send(ACK, seq(1), ack(1), data("hello"));
  d.expect(ACK, seq(1), ack(6));
  EXPECT_EQ(d.app().received(), "hello");
  EXPECT_EQ(d.app().accepted(), 1U);
  d.state_is(State::kEstablished);
}

TEST_P(Family, BadFastOpenCookieMeansAnOrdinaryHandshake) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  Peer& other = d.add_peer(40001, d.peer_address(3));
  std::string wrong = cookie;
  wrong[7] = static_cast<char>(wrong[7] ^ 1);
  const auto refused = [&](Peer& peer, const std::string& text) {
    peer.send(SYN, seq(0), mss(1000), data("hello"), fast_open(text));
    d.verdict_is(Verdict::kListenSyn);
    peer.expect(SYN | ACK, seq(0), ack(1));
    EXPECT_EQ(peer.last().fast_open.value_or("").size(), 8U);  // a better one
    peer.send(ACK, seq(1), ack(1), data("hello"));
    peer.expect(ACK, seq(1), ack(6));
    EXPECT_EQ(peer.app().received(), "hello");
  };
  refused(other, cookie);
  refused(d.peer(), wrong);
  Peer& third = d.add_peer(40002);
  refused(third, cookie.substr(0, 6));
}

TEST_P(Family, FastOpenCookieIsGoodForADayAtLeastAndTwoAtMost) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  d.advance(24h);
  d.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.expect(SYN | ACK, seq(0), ack(6));
  const std::string fresh = d.peer().last().fast_open.value_or("");
  EXPECT_EQ(fresh.size(), 8U);
  EXPECT_NE(fresh, cookie);
  d.advance(24h);
  (void)d.peer().take();
  Peer& other = d.add_peer(40001);
  other.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  other.expect(SYN | ACK, seq(0), ack(1));
  Peer& third = d.add_peer(40002);
  third.send(SYN, seq(0), mss(1000), data("hello"), fast_open(fresh));
  third.expect(SYN | ACK, seq(0), ack(6));
}

TEST_P(Family, FastOpensOfAListenerAreBounded) {
  Scene scene = fast_scene();
  scene.host.stack.fastopen_pending = 1;
  Dialogue d(GetParam(), scene);
  const std::string cookie = ask(d, d.peer());
  d.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.expect(SYN | ACK, seq(0), ack(6));
  Peer& second = d.add_peer(40001);
  second.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.verdict_is(Verdict::kListenSyn);
  second.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(6), ack(1));  // room for one again
  Peer& third = d.add_peer(40002);
  third.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.verdict_is(Verdict::kListenFastOpen);
  third.expect(SYN | ACK, seq(0), ack(6));
  third.send(RST, seq(6));
  d.verdict_is(Verdict::kReset);
  EXPECT_EQ(third.app().closed(), Errc::kConnectionReset);
  Peer& fourth = d.add_peer(40003);
  fourth.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.verdict_is(Verdict::kListenFastOpen);
  fourth.expect(SYN | ACK, seq(0), ack(6));
  fourth.app().close();  // before the handshake is complete
  fourth.expect(FIN | ACK, seq(1), ack(6));
  Peer& fifth = d.add_peer(40004);
  fifth.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.verdict_is(Verdict::kListenSyn);
  fifth.expect(SYN | ACK, seq(0), ack(1));
  fourth.send(ACK, seq(6), ack(2));
  fourth.state_is(State::kFinWait2);
  Peer& sixth = d.add_peer(40005);
  sixth.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.verdict_is(Verdict::kListenFastOpen);
  sixth.expect(SYN | ACK, seq(0), ack(6));
}

TEST_P(Family, AcksOfTheIssOfAClosedFastOpenAreNoDuplicates) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  d.send(SYN, seq(0), mss(1000), sack_permitted(), data("hello"), fast_open(cookie));
  d.expect(SYN | ACK, seq(0), ack(6));
  d.app().send("world");
  d.expect(ACK, seq(1), ack(6), data("world"));
  d.app().close();
  d.expect(FIN | ACK, seq(6), ack(6));
  for (int i = 0; i < 4; ++i) d.send(ACK, seq(6), ack(0), sack({{1, 6}}));
  d.expect_silence();
  d.send(ACK, seq(6), ack(7));
  d.state_is(State::kFinWait2);
}

TEST_P(Family, FastOpenThatIsNeverConfirmedIsGivenUp) {
  Dialogue d(GetParam(), fast_scene());
  const std::string cookie = ask(d, d.peer());
  d.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  d.expect(SYN | ACK, seq(0), ack(6));
  d.app().send("world");
  d.advance(300s);
  for (const Heard& h : d.peer().take()) EXPECT_TRUE((h.flags & SYN) != 0 || h.data == "world");
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
  d.state_is(State::kListen);
}

}  // namespace sluice::script
