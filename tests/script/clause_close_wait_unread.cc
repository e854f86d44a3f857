// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.6.1 in CLOSE_WAIT: closing over unread text resets there too.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, CloseOverUnreadTextInCloseWaitResets) {
  Dialogue d(GetParam());
  d.establish();
  d.app().stop_reading();
  d.send(FIN | ACK, seq(1), ack(1), data("unread"));
  d.expect(ACK, ack(8));
  d.state_is(State::kCloseWait);
  d.app().close();
  d.expect(RST | ACK, seq(1), ack(8));
  d.state_is(State::kListen);
}

}  // namespace sluice::script
