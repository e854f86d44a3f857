// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.4, step 7: FIN_WAIT_1 still takes text for an application that half-closed.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FinWait1StillReceives) {
  Dialogue d(GetParam());
  d.establish();
  d.app().shutdown_write();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(ACK, seq(1), ack(1), data("crossing"));
  d.expect(ACK, seq(2), ack(9));
  d.state_is(State::kFinWait1);
  EXPECT_EQ(d.app().received(), "crossing");
  d.send(FIN | ACK, seq(9), ack(2), data("end"));
  d.expect(ACK, seq(2), ack(13));
  d.state_is(State::kTimeWait);
  EXPECT_EQ(d.app().received(), "crossingend");
}

}  // namespace sluice::script
