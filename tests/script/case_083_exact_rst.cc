// SPDX-License-Identifier: BSD-3-Clause
// Case 83: a RST at RCV.NXT resets, and nothing is said (RFC 5961 3.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ExactResetEndsTheConnection) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), data("last words"));
  d.expect(ACK, ack(11));
  d.send(RST, seq(11));
  d.verdict_is(Verdict::kReset);
  d.expect_silence();
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kConnectionReset);
  EXPECT_EQ(d.app().received(), "last words");
}

}  // namespace sluice::script
