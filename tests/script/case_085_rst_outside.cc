// SPDX-License-Identifier: BSD-3-Clause
// Case 85: a RST outside the window is dropped in silence.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetOutsideTheWindowIsDropped) {
  Dialogue d(GetParam());
  d.establish();
  d.send(RST, seq(0));
  d.verdict_is(Verdict::kRstOutOfWindow);
  d.send(RST, seq(100000));
  d.verdict_is(Verdict::kRstOutOfWindow);
  d.expect_silence();
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
