// SPDX-License-Identifier: BSD-3-Clause
// Case 25: only a RST that acknowledges our SYN refuses the connection.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetThatAcknowledgesTheSynRefuses) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(RST, seq(0));
  d.verdict_is(Verdict::kSynSentIgnored);
  d.state_is(State::kSynSent);
  d.send(RST | ACK, seq(0), ack(1));
  d.verdict_is(Verdict::kSynSentRefused);
  d.state_is(State::kClosed);
  d.expect_silence();
  EXPECT_EQ(d.app().closed(), Errc::kConnectionRefused);
  EXPECT_EQ(d.app().connected(), 0U);
}

}  // namespace sluice::script
