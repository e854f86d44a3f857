// SPDX-License-Identifier: BSD-3-Clause
// Simultaneous close over lost text: CLOSING sends text and FIN again.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ClosingRetransmitsTextAndFin) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("text");
  d.expect(ACK, seq(1), data("text"));
  d.app().close();
  d.expect(FIN | ACK, seq(5), ack(1));
  d.send(FIN | ACK, seq(1), ack(1));
  d.expect(ACK, seq(6), ack(2));
  d.state_is(State::kClosing);
  d.advance(250ms);
  d.expect(FIN | ACK, seq(1), ack(2), data("text"));
  d.send(ACK, seq(2), ack(5));
  d.state_is(State::kClosing);
  (void)d.peer().take();
  d.send(ACK, seq(2), ack(6));
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
