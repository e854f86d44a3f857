// SPDX-License-Identifier: BSD-3-Clause
// Case 20: what is no cookie of ours, or not this peer's, or too old gets a RST, as from Linux.
#include "script/cookies.h"

namespace sluice::script {

namespace {
void refuses(Dialogue& d, Peer& peer, std::uint32_t seq_no, std::uint32_t ack_no) {
  peer.send(ACK, seq(seq_no), ack(ack_no));
  d.verdict_is(Verdict::kListenCookieRefused);
  peer.expect(RST, seq(ack_no));
  d.expect_silence();
  EXPECT_EQ(peer.app().accepted(), 0U);
  peer.state_is(State::kListen);
}
}  // namespace

TEST_P(Family, WrongCookieIsReset) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  refuses(d, d.peer(), 1, 1 + 0x100);
  refuses(d, d.peer(), 1, 1 + 0x80000000);
  refuses(d, d.peer(), 2, 1);  // not the byte after that SYN
  refuses(d, d.peer(), 0, 1);
  d.send(SYN | ACK, seq(0), ack(1));
  d.verdict_is(Verdict::kListenReset);
  d.expect(RST, seq(1));
  d.send(RST | ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kListenRstIgnored);
  d.send(ACK, seq(1), ack(1));  // the right one is good all the same
  d.verdict_is(Verdict::kListenCookieAccepted);
}

TEST_P(Family, ForeignCookieIsReset) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  Peer& other_port = d.add_peer(40001);
  Peer& other_address = d.add_peer(Dialogue::kPeerPort, d.peer_address(3));
  for (Peer* other : {&other_port, &other_address}) refuses(d, *other, 1, d.peer().iss() + 1);
}

TEST_P(Family, CookieWithoutTheTimestampsItPromisedIsReset) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000), timestamps());
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1), without_timestamps());
  d.verdict_is(Verdict::kListenCookieRefused);
  d.expect(RST, seq(1));
  d.send(ACK, seq(1), ack(1), tsecr(12345));
  d.verdict_is(Verdict::kListenCookieRefused);
  d.expect(RST, seq(1));
  d.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kListenCookieAccepted);
}

TEST_P(Family, OldCookieIsReset) {
  for (const bool with_timestamps : {false, true}) {
    Dialogue d(GetParam(), cookie_scene());
    Peer& late = d.add_peer(40001);
    for (Peer* peer : {&d.peer(), &late}) {
      if (with_timestamps) {
        peer->send(SYN, seq(0), mss(1000), timestamps());
      } else {
        peer->send(SYN, seq(0), mss(1000));
      }
      peer->expect(SYN | ACK, seq(0), ack(1));
    }
    d.advance(63999ms);
    Peer& newcomer = d.add_peer(40002);  // others still get cookies
    newcomer.send(SYN, seq(0), mss(1000));
    newcomer.expect(SYN | ACK, seq(0), ack(1));
    d.send(ACK, seq(1), ack(1));
    d.verdict_is(Verdict::kListenCookieAccepted);
    d.advance(1ms);
    refuses(d, late, 1, 1);
  }
}

// Two machines with the same secrets, of which the second sent no cookie lately: it does not even look.
TEST_P(Family, CookieIsNoUseWhereNoneWasSentLately) {
  Dialogue one(GetParam(), cookie_scene());
  one.send(SYN, seq(0), mss(1000));
  one.expect(SYN | ACK, seq(0), ack(1));
  Dialogue two(GetParam(), cookie_scene(SynCookies::kAuto));
  two.send(ACK, seq(1), ack(one.peer().iss() + 1));
  two.verdict_is(Verdict::kListenReset);
  two.expect(RST);
  Dialogue three(GetParam(), cookie_scene());  // to show that the number was right
  Peer& flooder = three.add_peer(40001);
  flooder.send(SYN, seq(0), mss(1000));
  flooder.expect(SYN | ACK, seq(0), ack(1));
  three.send(ACK, seq(1), ack(one.peer().iss() + 1));
  three.verdict_is(Verdict::kListenCookieAccepted);
}

TEST_P(Family, CookiesEndWithTheFlood) {
  Scene scene = cookie_scene(SynCookies::kAuto);
  scene.backlog = 1;
  Dialogue d(GetParam(), scene);
  Peer& flooder = d.add_peer(40001);
  flooder.send(SYN, seq(0), mss(1000));
  flooder.expect(SYN | ACK, seq(0), ack(1));
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(70s);
  (void)flooder.take();
  d.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kListenReset);
  d.expect(RST, seq(1));
}

// The window scale that the cookie promised followed from the buffer of then.
TEST_P(Family, CookieOfAnotherWindowScaleIsReset) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000), wscale(7));
  d.expect(SYN | ACK, seq(0), ack(1), wscale(3));
  ASSERT_TRUE(d.host().set_listener(d.listener(), Option::kRcvbuf, 1 << 22).ok());
  refuses(d, d.peer(), 1, 1);
}

}  // namespace sluice::script
