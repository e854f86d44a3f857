// SPDX-License-Identifier: BSD-3-Clause
// MUST-66: with the window closed the RST and URG of a segment without room still count.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetAndUrgentPointerCountInAZeroWindow) {
  Scene scene;
  scene.options.rcvbuf = 2000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect(ACK, ack(1001));
  d.send(ACK, seq(1001), ack(1), bytes(1000));
  d.expect(ACK, ack(2001), win(0));
  d.app().send("abc");
  d.expect(ACK, seq(1), data("abc"));
  d.send(ACK | URG, seq(2001), ack(4), urgent(1));  // its acknowledgment counts too
  d.verdict_is(Verdict::kAckAccepted);
  d.expect_silence();
  d.send(RST, seq(2001));
  d.verdict_is(Verdict::kReset);
  EXPECT_EQ(d.app().closed(), Errc::kConnectionReset);
}

}  // namespace sluice::script
