// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.9.1.9 (MUST-48, SHLD-21, SHLD-22) and 3.9.2 (MUST-49): every segment carries the TTL and the DSCP of
// its connection, which its listener or its open had, or the application chose since. The dialogue compares
// both fields of everything it hears; every other script runs with values that are not the defaults, too.
#include "script/cookies.h"
#include "script/ecn.h"
#include "script/frames.h"

namespace sluice::script {

namespace {

constexpr std::uint8_t kTtl = 33, kDscp = 46;

// The listener's values, or the open's, are not the configuration's.
Scene of_its_own(Scene scene = {}) {
  scene.options.ttl = kTtl;
  scene.options.dscp = kDscp;
  return scene;
}

}  // namespace

TEST_P(Family, TtlIsSixtyFourAndDscpZeroByDefault) {
  Scene scene;
  scene.host.stack.ip = tcp::IpFields{};
  Dialogue d(GetParam(), scene);
  d.expect_ip({64, 0});
  d.establish();
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
  EXPECT_EQ(d.app().connection().get(Option::kTtl).value(), 64);
  EXPECT_EQ(d.app().connection().get(Option::kDscp).value(), 0);
}

TEST_P(Family, EveryKindOfSegmentCarriesTheListenersTtlAndDscp) {
  Dialogue d(GetParam(), of_its_own());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(1s);  // from the SYN cache again
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1 << 20), ack(1));  // its challenge ACK
  d.expect(ACK, seq(1), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
  d.advance(3s);  // its retransmission
  d.expect(ACK, seq(1), bytes(10));
  d.send(ACK, seq(1), ack(11));
  d.send(ACK, seq(1), ack(11), bytes(10));
  d.expect(ACK, ack(11));
  d.send(ACK | SYN, seq(11), ack(11));  // the connection's challenge ACK
  d.expect(ACK, ack(11));
  d.send(ACK, seq(11), ack(11), win(0));
  d.app().send_bytes(10);
  d.advance(10s);  // zero-window probes
  EXPECT_GE(d.peer().take().size(), 1U);
  d.send(ACK, seq(11), ack(12));
  d.expect(ACK, seq(12), bytes(9));
  d.send(ACK, seq(11), ack(21));
  d.app().close();
  d.expect(FIN | ACK, seq(21), ack(11));
  d.send(FIN | ACK, seq(11), ack(22));
  d.expect(ACK, seq(22), ack(12));
  d.state_is(State::kTimeWait);
  EXPECT_EQ(d.stack().slabs().time_waits.used(), 1U);
  d.send(FIN | ACK, seq(11), ack(22));  // the record's
  d.expect(ACK, seq(22), ack(12));
}

TEST_P(Family, ResetsCarryTheTtlAndDscpOfWhoSendsThem) {
  Dialogue d(GetParam(), of_its_own());
  Peer& half = d.add_peer(40001);
  Peer& refused = d.add_peer(40002);
  Peer& left = d.add_peer(40003);
  d.establish();
  d.app().abort();
  d.expect(RST | ACK, seq(1), ack(1));
  refused.send(ACK, seq(5), ack(4000));  // to the listener
  refused.expect(RST, seq(4000));
  half.send(SYN, seq(0), mss(1000));
  half.expect(SYN | ACK, seq(0), ack(1));
  half.send(ACK, seq(1), ack(5));
  half.expect(RST, seq(5));
  left.establish();
  left.app().stop_reading();
  left.send(ACK, seq(1), ack(1), bytes(10));
  left.expect(ACK, ack(11));
  left.app().close();  // over unread text
  left.expect(RST | ACK, seq(1), ack(11));
  d.touch();
  d.host().close(d.listener());
  d.step();
  half.expect(RST | ACK, seq(1), ack(1));
  // No connection's and no listener's: the configuration's.
  d.expect_ip(small_host().stack.ip);
  Peer& stranger = d.add_peer(40004, {}, 81);
  stranger.send(ACK, seq(5), ack(7777));
  stranger.expect(RST, seq(7777));
}

TEST_P(Family, DrainingListenersResetCarriesItsTtlAndDscp) {
  Dialogue d(GetParam(), of_its_own());
  d.stack().start_drain();
  d.send(SYN, seq(0), mss(1000));
  d.expect(RST | ACK, seq(0), ack(1));
}

TEST_P(Family, SynCookiesCarryTheListenersTtlAndDscp) {
  Dialogue d(GetParam(), of_its_own(cookie_scene()));
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenCookieSent);
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(0x80000001));
  d.verdict_is(Verdict::kListenCookieRefused);
  d.expect(RST, seq(0x80000001));
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.verdict_is(Verdict::kListenCookieAccepted);
  d.expect(ACK, ack(11));
}

TEST_P(Family, FastOpenCarriesTheListenersTtlAndDscp) {
  Scene scene = of_its_own();
  scene.host.stack.fastopen = true;
  Dialogue d(GetParam(), scene);
  d.send(SYN, seq(0), mss(1000), fast_open());
  d.expect(SYN | ACK, seq(0), ack(1));
  const std::string cookie = d.peer().last().fast_open.value_or("");
  Peer& again = d.add_peer(40001);
  again.send(SYN, seq(0), mss(1000), data("hello"), fast_open(cookie));
  again.expect(SYN | ACK, seq(0), ack(6));
  again.state_is(State::kSynRcvd);
  EXPECT_EQ(again.app().received(), "hello");
}

TEST_P(Family, OpensCarryTheTtlAndDscpTheyAskFor) {
  Scene scene = of_its_own();
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.advance(1s);
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  // Otherwise alike, but for what it leaves to the configuration: connections that are alike share their options.
  Peer& other = d.add_peer(40001, {}, Dialogue::kLocalPort);
  d.expect_ip(small_host().stack.ip);
  d.touch();
  ASSERT_TRUE(d.host().connect(d.service(), other.remote(), other.local(), SocketOptions{}).ok());
  d.step();
  other.expect(SYN, seq(0));
}

TEST_P(Family, OpensWithImpossibleTtlOrDscpAreRefused) {
  Dialogue d(GetParam());
  SocketOptions no_ttl;
  no_ttl.ttl = 0;
  SocketOptions large_dscp;
  large_dscp.dscp = kMaxDscp + 1;
  for (const SocketOptions& options : {no_ttl, large_dscp}) {
    const auto opened = d.host().connect(d.service(), d.peer().remote(), {d.our_address(), 0}, options);
    EXPECT_EQ(opened.error().code, Errc::kInvalid);
    EXPECT_EQ(d.host().listen(d.service(), {d.our_address(), 81}, options, 1).error().code, Errc::kInvalid);
  }
  d.step();
  d.expect_silence();
}

// SHLD-21; and SHLD-22: from the next segment on, retransmissions included.
TEST_P(Family, ApplicationChangesTtlAndDscpOfItsConnectionOnly) {
  Dialogue d(GetParam(), of_its_own());
  Peer& other = d.add_peer(40001);
  d.establish();
  other.establish();
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
  d.expect_ip({255, 63});
  EXPECT_TRUE(d.app().set(Option::kTtl, 255).ok());
  EXPECT_TRUE(d.app().set(Option::kDscp, 63).ok());
  d.expect_silence();
  EXPECT_EQ(d.app().connection().get(Option::kTtl).value(), 255);
  EXPECT_EQ(d.app().connection().get(Option::kDscp).value(), 63);
  d.advance(2s);
  EXPECT_GE(d.peer().take().size(), 1U);
  d.send(ACK, seq(1), ack(11));
  d.expect_ip({kTtl, kDscp});
  other.send(ACK, seq(1), ack(1), bytes(10));
  other.expect(ACK, ack(11));
  d.expect_ip({1, 0});
  EXPECT_TRUE(d.app().set(Option::kTtl, 1).ok());
  EXPECT_TRUE(d.app().set(Option::kDscp, 0).ok());
  d.app().close();
  d.expect(FIN | ACK, seq(11), ack(1));
  d.send(FIN | ACK, seq(1), ack(12));
  d.expect(ACK, seq(12), ack(2));
  EXPECT_EQ(d.stack().slabs().time_waits.used(), 1U);
  d.send(FIN | ACK, seq(1), ack(12));  // a TIME_WAIT record remembers
  d.expect(ACK, seq(12), ack(2));
}

TEST_P(Family, TtlAndDscpOutOfRangeAreRefused) {
  Dialogue d(GetParam(), of_its_own());
  d.establish();
  for (const std::int64_t ttl : {-1, 0, 256}) {
    EXPECT_EQ(d.app().set(Option::kTtl, ttl).error().code, Errc::kInvalid) << ttl;
    EXPECT_EQ(d.host().set_listener(d.listener(), Option::kTtl, ttl).error().code, Errc::kInvalid) << ttl;
  }
  for (const std::int64_t dscp : {-1, 64, 256}) {
    EXPECT_EQ(d.app().set(Option::kDscp, dscp).error().code, Errc::kInvalid) << dscp;
    EXPECT_EQ(d.host().set_listener(d.listener(), Option::kDscp, dscp).error().code, Errc::kInvalid) << dscp;
  }
  d.app().send_bytes(10);
  d.expect(ACK, seq(1), bytes(10));
}

TEST_P(Family, ListenersNewTtlAndDscpAreForConnectionsToCome) {
  Dialogue d(GetParam(), of_its_own());
  Peer& half = d.add_peer(40001);
  Peer& later = d.add_peer(40002);
  d.establish();
  half.send(SYN, seq(0), mss(1000));
  half.expect(SYN | ACK, seq(0), ack(1));
  EXPECT_TRUE(d.host().set_listener(d.listener(), Option::kTtl, 7).ok());
  EXPECT_TRUE(d.host().set_listener(d.listener(), Option::kDscp, 8).ok());
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(11));
  d.expect_ip({7, 8});
  later.establish();
  half.send(ACK, seq(1), ack(1), bytes(10));  // its handshake is complete now
  half.expect(ACK, ack(11));
}

TEST_P(Family, EcnFieldStandsBesideTheDscp) {
  for (const std::uint8_t dscp : {0, 1, 32, 46, 63}) {
    Scene scene = with_ecn();
    scene.options.dscp = dscp;
    Dialogue d(GetParam(), scene);
    establish_with_ecn(d);
    d.app().send_bytes(10);
    d.expect(ACK, seq(1), bytes(10), ect());
    d.send(ACK, seq(1), ack(11), bytes(10), ce());
    d.expect(ACK | ECE, seq(11), ack(11));  // no ECT on a pure ACK
    d.app().close();
    d.expect(FIN | ACK | ECE, seq(11), ack(11));
  }
}

// What is not TCP's goes its own way.
TEST_P(Family, EchoRepliesKeepTheirOwnTtl) {
  Dialogue d(GetParam(), of_its_own());
  d.establish();
  const std::vector<std::uint8_t> body(8, 0x55);
  d.send_frame(icmp_frame({d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()}, d.v4() ? 8 : 128, 0, body));
  const std::vector<Frame> replies = d.take_icmp();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0][d.v4() ? 22 : 21], 64);
  EXPECT_EQ(replies[0][15] & (d.v4() ? 0xfcU : 0xf0U), 0U);
}

}  // namespace sluice::script
