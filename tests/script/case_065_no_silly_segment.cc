// SPDX-License-Identifier: BSD-3-Clause
// Case 65: a window of one byte is not worth a segment, one of an MSS is (RFC 9293 3.8.6.2.1).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SillyWindowIsNotUsed) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(0));
  d.app().send_bytes(3000);
  d.send(ACK, seq(1), ack(1), win(1));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1), win(1000));
  d.expect(ACK, seq(1), bytes(1000));
  d.expect_silence();
}

TEST_P(Family, SillyWindowIsUsedWhenTheOverrideTimerFires) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(300));
  d.app().send_bytes(3000);
  d.expect_silence();
  d.advance(1s);
  d.expect(ACK, seq(1), bytes(300), after(200ms));  // RFC 9293 3.8.6.2.1: 0.1 to 1 s
  (void)d.peer().take();
}

}  // namespace sluice::script
