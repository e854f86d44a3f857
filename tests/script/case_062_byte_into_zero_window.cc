// SPDX-License-Identifier: BSD-3-Clause
// Case 62: a byte sent into a closed window is answered and not accepted.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ZeroWindowProbeIsAnswered) {
  Scene scene;
  scene.options.rcvbuf = 2000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect(ACK, ack(1001), win(1000));
  d.send(ACK, seq(1001), ack(1), bytes(1000));
  d.expect(ACK, ack(2001), win(0));
  for (int i = 0; i < 3; ++i) {
    d.send(ACK, seq(2001), ack(1), bytes(1));
    d.verdict_is(Verdict::kDataOutOfWindow);
    d.expect(ACK, seq(1), ack(2001), win(0));
    d.advance(1s);
  }
  EXPECT_EQ(d.app().info().rx_queued, 2000U);
}

}  // namespace sluice::script
