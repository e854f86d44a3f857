// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.4, step 1, deviation: an ACK right at the edge of a full window still acknowledges.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckAtTheRightEdgeOfAFullWindowCounts) {
  Scene scene;
  scene.options.rcvbuf = 1000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect(ACK, ack(1001), win(0));
  d.send(ACK, seq(1001), ack(2));
  d.verdict_is(Verdict::kAckAccepted);
  EXPECT_EQ(d.app().info().tx_queued, 0U);
  d.advance(1s);
  d.expect_silence();
}

}  // namespace sluice::script
