// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.5.3: a RST may carry text, which is not delivered.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetWithTextResets) {
  Dialogue d(GetParam());
  d.establish();
  d.send(RST | ACK, seq(1), ack(1), data("because"));
  d.verdict_is(Verdict::kReset);
  d.expect_silence();
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().received(), "");
}

}  // namespace sluice::script
