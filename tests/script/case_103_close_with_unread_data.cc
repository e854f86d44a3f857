// SPDX-License-Identifier: BSD-3-Clause
// Case 103: closing over unread text, and aborting, tell the peer by RST|ACK (RFC 9293 3.6.1).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, CloseWithUnreadTextResets) {
  Dialogue d(GetParam());
  d.establish();
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), data("unread"));
  d.expect(ACK, ack(7));
  d.app().close();
  d.expect(RST | ACK, seq(1), ack(7));
  d.state_is(State::kListen);
}

TEST_P(Family, AbortResets) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("in flight");
  d.expect(ACK, seq(1), data("in flight"));
  d.app().abort();
  d.expect(RST | ACK, seq(10), ack(1));
  d.state_is(State::kListen);
  EXPECT_FALSE(d.app().closed().has_value());  // who aborts is not told
}

TEST_P(Family, LingerZeroResets) {
  Scene scene;
  scene.options.linger_s = 0;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().close();
  d.expect(RST | ACK, seq(1), ack(1));
  d.state_is(State::kListen);
}

}  // namespace sluice::script
