// SPDX-License-Identifier: BSD-3-Clause
// Case 109: a SYN|ACK in TIME_WAIT gets an ACK.
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, SynAckInTimeWaitIsAcknowledged) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  d.send(SYN | ACK, seq(5000), ack(2), mss(1000));
  d.verdict_is(Verdict::kTimeWaitAck);
  d.expect(ACK, seq(2), ack(2));
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
