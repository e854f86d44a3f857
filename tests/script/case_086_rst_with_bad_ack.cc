// SPDX-License-Identifier: BSD-3-Clause
// Case 86: what an exact RST acknowledges does not matter, as with Linux.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ExactResetWithABadAckResets) {
  Dialogue d(GetParam());
  d.establish();
  d.send(RST | ACK, seq(1), ack(5000));
  d.verdict_is(Verdict::kReset);
  d.expect_silence();
  d.state_is(State::kListen);
}

}  // namespace sluice::script
