// SPDX-License-Identifier: BSD-3-Clause
// Case 63: the window reopens in steps of a segment or half the buffer, and says so (RFC 9293 3.8.6.2.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, WindowReopensByAWholeSegment) {
  Scene scene;
  scene.options.rcvbuf = 4000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  for (std::uint32_t i = 0; i < 4; ++i) {
    d.send(ACK, seq(1 + 1000 * i), ack(1), bytes(1000));
    d.expect(ACK, ack(1001 + 1000 * i), win(3000 - 1000 * i));
  }
  d.app().read(999);
  d.expect_silence();
  d.app().read(1);
  d.expect(ACK, seq(1), ack(4001), win(1000));
}

TEST_P(Family, WindowOfASmallBufferReopensByItsHalf) {
  Scene scene;
  scene.options.rcvbuf = 1000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect(ACK, ack(1001), win(0));
  d.app().read(499);
  d.expect_silence();
  d.app().read(1);
  d.expect(ACK, seq(1), ack(1001), win(500));
}

}  // namespace sluice::script
