// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.9.1.1, MUST-41 and MUST-42: a passive open disturbs no connection that there is, and is possible while
// connections of its port are in SYN_SENT or SYN_RCVD.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ListeningDisturbsNobodyOnThePort) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  const std::uint16_t port = d.peer().local().port;
  const auto listen = [&] { return d.host().listen(d.service(), {d.our_address(), port}, {}, 16); };
  ASSERT_TRUE(listen().ok()) << "in SYN_SENT";
  Peer& other = d.add_peer(40001, {}, port);
  other.send(SYN, seq(0), mss(1000));
  other.expect(SYN | ACK, seq(0), ack(1));
  EXPECT_EQ(listen().error().code, Errc::kAddressInUse);
  d.expect_silence();
  d.state_is(State::kSynSent);
  other.state_is(State::kSynRcvd);
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  other.send(ACK, seq(1), ack(1));
  other.state_is(State::kEstablished);
  EXPECT_EQ(other.app().accepted(), 1U);
}

// SYN_RCVD of a simultaneous open.
TEST_P(Family, ListeningWhileOpensCross) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.state_is(State::kSynRcvd);
  ASSERT_TRUE(d.host().listen(d.service(), {d.our_address(), d.peer().local().port}, {}, 16).ok());
  d.expect_silence();
  d.state_is(State::kSynRcvd);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
