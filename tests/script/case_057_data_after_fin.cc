// SPDX-License-Identifier: BSD-3-Clause
// Case 57: after the peer's FIN no text of his counts.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextAfterTheFinIsIgnored) {
  Dialogue d(GetParam());
  d.establish();
  d.send(FIN | ACK, seq(1), ack(1), data("end"));
  d.expect(ACK, ack(5));
  d.send(ACK, seq(5), ack(1), data("more"));
  d.verdict_is(Verdict::kDataRefused);
  d.expect_silence();
  d.state_is(State::kCloseWait);
  EXPECT_EQ(d.app().received(), "end");
  d.app().send("answer");
  d.expect(ACK, seq(1), ack(5), data("answer"));
}

}  // namespace sluice::script
