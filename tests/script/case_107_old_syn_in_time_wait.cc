// SPDX-License-Identifier: BSD-3-Clause
// Case 107: a SYN at or below RCV.NXT, without timestamps, gets an ACK.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OldSynInTimeWaitIsAcknowledged) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  for (const std::uint32_t at : {0U, 1U, 2U}) {
    d.send(SYN, seq(at), mss(1000));
    d.verdict_is(Verdict::kTimeWaitAck);
    d.expect(ACK, seq(2), ack(2));
  }
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
