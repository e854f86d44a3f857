// SPDX-License-Identifier: BSD-3-Clause
// Case 14: an ACK of our ISS acknowledges nothing of ours.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckOfTheIssInSynRcvdIsReset) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(0));
  d.expect(RST, seq(0));
  d.state_is(State::kSynRcvd);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
