// SPDX-License-Identifier: BSD-3-Clause
// Case 97: a FIN that acknowledges ours leads from FIN_WAIT_1 to TIME_WAIT at once (figure 5, note 2), for 2
// MSL.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FinThatAcksOursLeadsToTimeWaitAtOnce) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  d.state_is(State::kTimeWait);
  d.advance(119'999ms);
  d.state_is(State::kTimeWait);
  d.advance(1ms);
  d.state_is(State::kListen);
  d.expect_silence();
}

}  // namespace sluice::script
