// SPDX-License-Identifier: BSD-3-Clause
// Case 15: the right ACK from outside the window gets an ACK and changes nothing.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckFromOutsideTheWindowInSynRcvdIsAnsweredOnly) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(100000), ack(1));
  d.verdict_is(Verdict::kSynRcvdOutOfWindow);
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kSynRcvd);
  d.advance(600ms);
  d.send(ACK, seq(0), ack(1));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kSynRcvd);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
