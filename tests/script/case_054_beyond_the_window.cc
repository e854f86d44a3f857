// SPDX-License-Identifier: BSD-3-Clause
// Case 54: what lies partly beyond the window is cut, what lies beyond it entirely is answered only.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextBeyondTheWindowIsTrimmed) {
  Scene scene;
  scene.options.rcvbuf = 4000;
  Dialogue d(GetParam(), scene);
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1), win(4000));
  d.send(ACK, seq(1), ack(1));
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), bytes(1400));
  d.expect(ACK, ack(1401), win(2600));
  d.send(ACK, seq(1401), ack(1), bytes(1400));
  d.expect(ACK, ack(2801), win(1200));
  d.send(FIN | ACK, seq(2801), ack(1), bytes(1400));
  d.expect(ACK, ack(4001), win(0));  // and the FIN is gone with the rest
  d.state_is(State::kEstablished);
  d.send(ACK, seq(4101), ack(1), bytes(100));
  d.verdict_is(Verdict::kDataOutOfWindow);
  d.expect(ACK, seq(1), ack(4001), win(0));
  d.app().start_reading();
  EXPECT_GE(d.peer().take().back().win, 2000);  // each update at least doubles what is left
  EXPECT_TRUE(d.app().has_bytes(4000));
}

}  // namespace sluice::script
