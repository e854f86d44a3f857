// SPDX-License-Identifier: BSD-3-Clause
// Case 52: an ACK waits at most 500 ms, and not beyond the second full segment (RFC 9293 3.8.6.3).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckIsDelayedButNotForLong) {
  Scene scene;
  scene.options.quickack = false;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect_silence();
  d.advance(500ms);
  d.expect(ACK, seq(1), ack(1001), after(40ms));
}

TEST_P(Family, EverySecondFullSegmentIsAcknowledgedAtOnce) {
  Scene scene;
  scene.options.quickack = false;
  Dialogue d(GetParam(), scene);
  d.establish();
  for (std::uint32_t i = 0; i < 5; ++i) {
    d.send(ACK, seq(1 + 2000 * i), ack(1), bytes(1000));
    d.expect_silence();
    d.send(ACK, seq(1001 + 2000 * i), ack(1), bytes(1000));
    d.expect(ACK, seq(1), ack(2001 + 2000 * i));
  }
  d.advance(1s);
  d.expect_silence();
}

TEST_P(Family, DelayedAckRidesOnData) {
  Scene scene;
  scene.options.quickack = false;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.send(ACK, seq(1), ack(1), data("question"));
  d.expect_silence();
  d.app().send("answer");
  d.expect(ACK, seq(1), ack(9), data("answer"));
  d.send(ACK, seq(9), ack(7));
  d.advance(1s);
  d.expect_silence();
}

}  // namespace sluice::script
