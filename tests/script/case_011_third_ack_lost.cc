// SPDX-License-Identifier: BSD-3-Clause
// Case 11: the SYN|ACK goes out again after 1, 3, 7, 15 and 31 s, always the same.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynAckIsRetransmittedWithBackOff) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(8s);
  d.expect(SYN | ACK, seq(0), ack(1), after(1s));
  d.expect(SYN | ACK, seq(0), ack(1), after(3s));
  d.expect(SYN | ACK, seq(0), ack(1), after(7s));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().accepted(), 1U);
}

TEST_P(Family, SynAckIsGivenUpAfterFiveRetransmissions) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(62s);
  for (const auto at : {1s, 3s, 7s, 15s, 31s}) d.expect(SYN | ACK, seq(0), ack(1), after(at));
  d.state_is(State::kSynRcvd);
  d.advance(2s);
  d.expect_silence();
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().accepted(), 0U);
}

}  // namespace sluice::script
