// SPDX-License-Identifier: BSD-3-Clause
// Limits are refused with a verdict and felt by newcomers only: connections, half-open ones, side blocks,
// buffers.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ConnectionsBeyondTheLimitStayHalfOpen) {
  Scene scene;
  scene.host.stack.max_connections = 1;
  Dialogue d(GetParam(), scene);
  d.establish();
  Peer& other = d.add_peer(40001);
  other.send(SYN, seq(0), mss(1000));
  other.expect(SYN | ACK, seq(0), ack(1));
  other.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kConnectionsFull);
  other.state_is(State::kSynRcvd);
  d.app().abort();
  d.expect(RST | ACK, seq(1));
  other.send(ACK, seq(1), ack(1));
  other.state_is(State::kEstablished);
}

TEST_P(Family, SynsBeyondTheCacheAreDropped) {
  Scene scene;
  scene.host.stack.syn_cache = 2;
  scene.host.stack.syn_cookies = SynCookies::kNever;
  Dialogue d(GetParam(), scene);
  for (std::uint16_t port = 41000; port < 41002; ++port) {
    Peer& peer = d.add_peer(port);
    peer.send(SYN, seq(0), mss(1000));
    peer.expect(SYN | ACK, seq(0), ack(1));
  }
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kSynCacheFull);
  d.expect_silence();
}

TEST_P(Family, WithoutASideBlockTextAheadOfAGapIsLeftToThePeer) {
  Scene scene;
  scene.host.stack.side_blocks = 1;
  Dialogue d(GetParam(), scene);
  Peer& other = d.add_peer(40001);
  d.establish();
  other.establish();
  other.send(ACK, seq(11), ack(1), bytes(10));
  other.expect(ACK, ack(1));
  d.send(ACK, seq(11), ack(1), bytes(10));
  d.verdict_is(Verdict::kDataRefused);
  d.expect(ACK, ack(1));
  d.send(ACK, seq(1), ack(1), bytes(20));
  d.expect(ACK, ack(21));
  EXPECT_TRUE(d.app().has_bytes(20));
}

TEST_P(Family, WithoutASendMapLossIsRepairedByTimeouts) {
  Scene scene;
  scene.host.stack.send_maps = 1;
  Dialogue d(GetParam(), scene);
  Peer& other = d.add_peer(40001);
  d.establish(sack_permitted());
  other.establish(sack_permitted());
  other.app().send_bytes(2000);
  other.send(ACK, seq(1), ack(1), sack({{1001, 2001}}));
  (void)other.take();
  d.app().send_bytes(3000);
  for (std::uint32_t i = 0; i < 3; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.send(ACK, seq(1), ack(1), sack({{1001, 2001}}));  // there is nowhere to note it
  for (std::uint32_t i = 0; i < 3; ++i) {
    d.advance(250ms);
    d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
    d.send(ACK, seq(1), ack(1001 + 1000 * i));
  }
  (void)other.take();
  other.send(ACK, seq(1), ack(2001));
  d.advance(1s);
  d.expect_silence();
}

TEST_P(Family, WithoutBuffersNothingBreaks) {
  Scene scene;
  scene.host.buffers = 100;
  Dialogue d(GetParam(), scene);
  d.establish();
  EXPECT_LT(d.app().send_bytes(250000), 250000U);
  d.advance(60s);
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(1), data("x"));
  (void)d.peer().take();
  EXPECT_EQ(d.host().broken_invariant(), nullptr);
}

}  // namespace sluice::script
