// SPDX-License-Identifier: BSD-3-Clause
// Case 84: a RST in the window but not at RCV.NXT gets a challenge ACK (RFC 5961 3.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, InWindowResetIsChallenged) {
  Dialogue d(GetParam());
  d.establish();
  d.send(RST, seq(2));
  d.verdict_is(Verdict::kRstChallenge);
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  d.send(RST, seq(1));  // who is real answers so
  d.verdict_is(Verdict::kReset);
}

}  // namespace sluice::script
