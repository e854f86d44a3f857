// SPDX-License-Identifier: BSD-3-Clause
// Case 96: FIN_WAIT_1 and a FIN that does not acknowledge ours: CLOSING, then TIME_WAIT.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, CrossingFinLeadsThroughClosingToTimeWait) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(1));
  d.expect(ACK, seq(2), ack(2));
  d.state_is(State::kClosing);
  d.send(ACK, seq(2), ack(2));
  d.expect_silence();
  d.state_is(State::kTimeWait);
}

TEST_P(Family, FinOfClosingIsRetransmitted) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(1));
  d.expect(ACK, seq(2), ack(2));
  d.advance(250ms);
  d.expect(FIN | ACK, seq(1), ack(2));
  d.state_is(State::kClosing);
}

}  // namespace sluice::script
