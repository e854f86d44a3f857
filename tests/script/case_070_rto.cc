// SPDX-License-Identifier: BSD-3-Clause
// Case 70: the RTO begins at 1 s, follows the round trip, doubles, and is never measured on a retransmission
// (RFC 6298).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynIsRetransmittedAfterOneSecondThenDoubling) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.advance(8s);
  d.expect(SYN, seq(0), after(1s));
  d.expect(SYN, seq(0), after(3s));
  d.expect(SYN, seq(0), after(7s));
}

TEST_P(Family, RtoFollowsTheRoundTripAndDoubles) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1));
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.advance(2500ms);
  d.expect(ACK, seq(1), data("x"), after(300ms));  // SRTT + 4 * SRTT / 2
  d.expect(ACK, seq(1), data("x"), after(900ms));
  d.expect(ACK, seq(1), data("x"), after(2100ms));
}

TEST_P(Family, RtoIsAtLeastTwoHundredMilliseconds) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.advance(250ms);
  d.expect(ACK, seq(1), data("x"), after(200ms));
}

TEST_P(Family, RetransmissionsAreNotTimed) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1));
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.advance(310ms);
  d.expect(ACK, seq(1), data("x"));
  d.send(ACK, seq(1), ack(2));
  EXPECT_EQ(d.app().info().srtt_us, 100000U);
  EXPECT_EQ(d.app().info().retransmits, 1U);
}

}  // namespace sluice::script
