// SPDX-License-Identifier: BSD-3-Clause
// Case 20: the cookie's ACK brings MSS, window scale and SACK back, with timestamps and without.
#include "script/cookies.h"

namespace sluice::script {

namespace {

// The connection does what the SYN offered.
void has_options(Dialogue& d, std::uint32_t mss, std::uint32_t shift, bool sack_ok, bool timestamps) {
  EXPECT_EQ(d.app().connection().get(Option::kMss).value(), mss);
  EXPECT_EQ(d.app().info().snd_wnd, 3U << shift);
  const std::uint32_t len = mss - (timestamps ? 12 : 0);
  d.send(ACK, seq(1), ack(1), win(60000));  // room for two
  d.app().send_bytes(2 * len);
  d.expect(ACK, seq(1), ack(1), bytes(len));
  d.expect(ACK, seq(1 + len), ack(1), bytes(len));
  d.send(ACK, seq(101), ack(1), bytes(50));
  if (sack_ok) {
    d.expect(ACK, ack(1), sack({{101, 151}}));
  } else {
    d.expect(ACK, ack(1));
  }
}

template <typename... A>
void opens(Ip ip, std::uint32_t mss_there, std::uint32_t mss_back, std::uint32_t shift, const A&... offers) {
  Dialogue d(ip, cookie_scene());
  const Spoken syn = spoken(SYN, offers...);
  d.send(SYN, seq(0), mss(mss_there), offers...);
  d.verdict_is(Verdict::kListenCookieSent);
  d.expect(SYN | ACK, seq(0), ack(1), mss(d.our_mss()));  // answers what was offered, no more
  d.send(ACK, seq(1), ack(1), win(3), offers...);
  d.verdict_is(Verdict::kListenCookieAccepted);
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().accepted(), 1U);
  has_options(d, mss_back, shift, syn.sack_permitted, syn.timestamps);
}

}  // namespace

TEST_P(Family, CookieRestoresMssWindowScaleAndSack) {
  const bool v4 = GetParam() == Ip::kV4;
  const std::uint32_t own = v4 ? 1460 : 1440;
  opens(GetParam(), own, own, 7, wscale(7), sack_permitted());
  opens(GetParam(), 65535, own, 14, wscale(14));
  opens(GetParam(), v4 ? 1240 : 1220, v4 ? 1240 : 1220, 0, wscale(0), sack_permitted());
  opens(GetParam(), v4 ? 1400 : 1380, v4 ? 1400 : 1380, 0, sack_permitted());
  opens(GetParam(), 1000, v4 ? 536 : 516, 0);  // a number for each MSS there is not
}

TEST_P(Family, CookieWithTimestampsRestoresThemExactly) {
  opens(GetParam(), 1000, 1000, 7, wscale(7), sack_permitted(), timestamps());
  opens(GetParam(), 1301, 1301, 14, wscale(14), timestamps());
  opens(GetParam(), 537, 537, 0, timestamps());
  opens(GetParam(), 1301, 1301, 0, wscale(0), sack_permitted(), timestamps());
}

TEST_P(Family, CookieHoldsNothing) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000), wscale(7), timestamps());
  d.expect(SYN | ACK, seq(0), ack(1));
  d.state_is(State::kListen);
  EXPECT_EQ(d.stack().table().size(), 0U);
  EXPECT_EQ(d.stack().slabs().half_opens.used(), 0U);
  EXPECT_EQ(d.stack().timers_armed(), 0U);
  d.advance(60s);
  d.expect_silence();
}

TEST_P(Family, TextAndFinOnTheCookiesAckAreTaken) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(FIN | ACK, seq(1), ack(1), data("bye"));
  d.verdict_is(Verdict::kListenCookieAccepted);
  d.expect(ACK, seq(1), ack(5));
  d.state_is(State::kCloseWait);
  EXPECT_EQ(d.app().received(), "bye");
  EXPECT_TRUE(d.app().eof());
}

TEST_P(Family, TextBringsTheCookieWhereTheThirdAckWasLost) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000), timestamps());
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(1s);
  d.send(ACK, seq(1), ack(1), data("hello"));
  d.expect(ACK, seq(1), ack(6));
  EXPECT_EQ(d.app().received(), "hello");
}

TEST_P(Family, SynSentAgainIsAnsweredWithTheSameCookie) {
  Dialogue d(GetParam(), cookie_scene());
  d.send(SYN, seq(0), mss(1000), wscale(3));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(1s);
  d.send(SYN, seq(0), mss(1000), wscale(3));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(31s);  // a new slot: a new cookie, the old one is good as well
  d.send(SYN, seq(0), mss(1000), wscale(3));
  EXPECT_NE(d.peer().next().seq, d.peer().iss());
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kListenCookieAccepted);
  d.state_is(State::kEstablished);
}

TEST_P(Family, FullCacheIsAnsweredWithCookies) {
  Scene scene = cookie_scene(SynCookies::kAuto);
  scene.host.stack.syn_cache = 2;
  Dialogue d(GetParam(), scene);
  for (std::uint16_t port = 41000; port < 41002; ++port) {
    Peer& peer = d.add_peer(port);
    peer.send(SYN, seq(0), mss(1000));
    d.verdict_is(Verdict::kListenSyn);
    peer.expect(SYN | ACK, seq(0), ack(1));
  }
  d.send(SYN, seq(0), mss(1000), wscale(7), sack_permitted(), timestamps());
  d.verdict_is(Verdict::kListenCookieSent);
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1), win(3));
  d.verdict_is(Verdict::kListenCookieAccepted);
  has_options(d, 1000, 7, true, true);
}

TEST_P(Family, CookieOfAFullTableIsTakenWhenThereIsRoom) {
  Scene scene = cookie_scene();
  scene.host.stack.max_connections = 1;
  Dialogue d(GetParam(), scene);
  d.establish();
  Peer& other = d.add_peer(40001);
  other.send(SYN, seq(0), mss(1000));
  other.expect(SYN | ACK, seq(0), ack(1));
  other.send(ACK, seq(1), ack(1), data("x"));
  d.verdict_is(Verdict::kConnectionsFull);
  d.expect_silence();
  d.app().abort();
  d.expect(RST | ACK, seq(1));
  other.send(ACK, seq(1), ack(1), data("x"));
  other.expect(ACK, seq(1), ack(2));
  other.state_is(State::kEstablished);
}

// "Always" means all but this one: its ISS must lie above the old connection's numbers.
TEST_P(Family, SynThatReusesTimeWaitIsHeldInTheCache) {
  Dialogue d(GetParam(), cookie_scene());
  std::uint32_t last = 0;
  for (std::uint32_t i = 0; i < 8; ++i) {
    d.peer().forget(0x10000000 + 100000 * i);
    d.send(SYN, seq(0), mss(1000));
    d.verdict_is(i == 0 ? Verdict::kListenCookieSent : Verdict::kTimeWaitReused);
    d.state_is(i == 0 ? State::kListen : State::kSynRcvd);
    d.expect(SYN | ACK, seq(0), ack(1));
    if (i > 0) {
      EXPECT_LT(d.peer().iss() - last - 1, 0x7fffffffU);
    }
    d.send(ACK, seq(1), ack(1));
    d.app().close();
    d.expect(FIN | ACK, seq(1), ack(1));
    d.send(FIN | ACK, seq(1), ack(2));
    d.expect(ACK, seq(2), ack(2));
    last = d.peer().iss() + 2;
  }
}

// Nor does the record give way for nothing.
TEST_P(Family, TimeWaitStaysWhereItsSuccessorFindsNoRoom) {
  Scene scene = cookie_scene();
  scene.host.stack.syn_cache = 1;
  Dialogue d(GetParam(), scene);
  Peer& other = d.add_peer(40001);
  for (Peer* peer : {&d.peer(), &other}) {
    peer->establish();
    peer->app().close();
    peer->expect(FIN | ACK, seq(1), ack(1));
    peer->send(FIN | ACK, seq(1), ack(2));
    peer->expect(ACK, seq(2), ack(2));
    peer->forget(peer->isn() + 100);
  }
  other.send(SYN, seq(0), mss(1000));
  other.expect(SYN | ACK, seq(0), ack(1));
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kSynCacheFull);
  d.expect_silence();
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
