// SPDX-License-Identifier: BSD-3-Clause
// Case 8: further bits do not spoil a SYN.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynWithPushAndUrgentIsAnswered) {
  Dialogue d(GetParam());
  d.send(SYN | PSH | URG, seq(0), mss(1000), urgent(1));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
