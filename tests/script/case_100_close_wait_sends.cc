// SPDX-License-Identifier: BSD-3-Clause
// Case 100: in CLOSE_WAIT the server can still send.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, CloseWaitStillSends) {
  Dialogue d(GetParam());
  d.establish();
  d.send(FIN | ACK, seq(1), ack(1), data("request"));
  d.expect(ACK, seq(1), ack(9));
  d.state_is(State::kCloseWait);
  d.app().send("response");
  d.expect(ACK, seq(1), ack(9), data("response"));
  d.send(ACK, seq(9), ack(9));
  d.advance(10s);
  d.app().send("more");
  d.expect(ACK, seq(9), ack(9), data("more"));
  d.send(ACK, seq(9), ack(13));
  d.app().close();
  d.expect(FIN | ACK, seq(13), ack(9));
  d.state_is(State::kLastAck);
  d.send(ACK, seq(9), ack(14));
  d.state_is(State::kListen);
}

}  // namespace sluice::script
