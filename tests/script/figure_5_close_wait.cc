// SPDX-License-Identifier: BSD-3-Clause
// Figure 5: ESTABLISHED, the peer's FIN, CLOSE_WAIT, CLOSE, LAST_ACK, its ACK, CLOSED.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, PassiveCloseEndsInOrder) {
  Dialogue d(GetParam());
  d.establish();
  d.send(FIN | ACK, seq(1), ack(1));
  d.expect(ACK, seq(1), ack(2));
  d.state_is(State::kCloseWait);
  EXPECT_TRUE(d.app().eof());
  d.app().shutdown_write();
  d.expect(FIN | ACK, seq(1), ack(2));
  d.state_is(State::kLastAck);
  d.send(ACK, seq(2), ack(2));
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kOk);
}

}  // namespace sluice::script
