// SPDX-License-Identifier: BSD-3-Clause
// Case 95: FIN_WAIT_1, the ACK of our FIN, FIN_WAIT_2, the peer's FIN, TIME_WAIT.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckThenFinLeadThroughFinWait2ToTimeWait) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.state_is(State::kFinWait1);
  d.send(ACK, seq(1), ack(2));
  d.state_is(State::kFinWait2);
  d.send(FIN | ACK, seq(1), ack(2));
  d.verdict_is(Verdict::kFinAccepted);
  d.expect(ACK, seq(2), ack(2));
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
