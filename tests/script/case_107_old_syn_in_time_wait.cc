// SPDX-License-Identifier: BSD-3-Clause
// Case 107: a SYN at or below RCV.NXT, without timestamps, gets an ACK.
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, OldSynInTimeWaitIsAcknowledged) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  for (const std::uint32_t at : {0U, 1U, 2U}) {
    d.send(SYN, seq(at), mss(1000));
    d.verdict_is(Verdict::kTimeWaitAck);
    d.expect(ACK, seq(2), ack(2));
  }
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
