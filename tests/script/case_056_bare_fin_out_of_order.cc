// SPDX-License-Identifier: BSD-3-Clause
// Case 56: a bare FIN ahead of a gap is held.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, BareFinAheadOfAGapIsHeld) {
  Dialogue d(GetParam());
  d.establish();
  d.send(FIN | ACK, seq(11), ack(1));
  d.expect(ACK, ack(1));
  d.state_is(State::kEstablished);
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(12));
  d.state_is(State::kCloseWait);
  EXPECT_TRUE(d.app().eof());
}

}  // namespace sluice::script
