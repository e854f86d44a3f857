// SPDX-License-Identifier: BSD-3-Clause
// A peer may begin with a closed window: nothing leaves before it opens, but for probes.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ClosedWindowOnTheSynIsRespected) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), win(0));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1), win(0));
  d.app().send_bytes(1000);
  d.expect_silence();
  d.advance(250ms);
  d.expect(ACK, seq(1), bytes(1));
  d.send(ACK, seq(1), ack(1), win(5000));
  d.expect(ACK, seq(1), bytes(1000));
}

}  // namespace sluice::script
