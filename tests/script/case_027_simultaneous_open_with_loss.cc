// SPDX-License-Identifier: BSD-3-Clause
// Case 27: both SYNs lost once and sent again make one connection.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, RetransmittedCrossingSynsMakeOneConnection) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.advance(1s);
  d.expect(SYN, seq(0), after(1s));
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(SYN, seq(0), mss(1000));  // our SYN|ACK was lost
  d.verdict_is(Verdict::kSynRcvdDuplicateSyn);
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().connected(), 1U);
  d.app().send("one");
  d.expect(ACK, seq(1), ack(1), data("one"));
}

}  // namespace sluice::script
