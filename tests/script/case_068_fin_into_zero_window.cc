// SPDX-License-Identifier: BSD-3-Clause
// Case 68: a FIN that meets a closed window is probed.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FinIntoAZeroWindowIsProbed) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(0));
  d.app().close();
  d.state_is(State::kFinWait1);
  d.advance(250ms);
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(ACK, seq(1), ack(1), win(0));
  d.advance(1s);
  d.expect(FIN | ACK, seq(1), ack(1));
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(2), win(0));
  d.state_is(State::kFinWait2);
}

}  // namespace sluice::script
