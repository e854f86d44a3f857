// SPDX-License-Identifier: BSD-3-Clause
// Case 23: SYNs that cross, figure 8 of RFC 9293.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, CrossingSynIsAnsweredAndItsAckEstablishes) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0), mss(d.our_mss()));
  d.state_is(State::kSynSent);
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kSynSentSimultaneous);
  d.expect(SYN | ACK, seq(0), ack(1));
  d.state_is(State::kSynRcvd);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().connected(), 1U);
}

TEST_P(Family, CrossingSynAcksEstablishToo) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().connected(), 1U);
}

}  // namespace sluice::script
