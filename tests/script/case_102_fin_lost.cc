// SPDX-License-Identifier: BSD-3-Clause
// Case 102: a lost FIN is sent again; it goes with the last text where there is some.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, LostFinIsRetransmitted) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.advance(700ms);
  d.expect(FIN | ACK, seq(1), ack(1), after(200ms));
  d.expect(FIN | ACK, seq(1), ack(1), after(600ms));
  d.send(ACK, seq(1), ack(2));
  d.state_is(State::kFinWait2);
}

TEST_P(Family, FinGoesWithTheLastText) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("a");
  d.expect(ACK, seq(1), data("a"));
  d.app().send("bc");  // Nagle
  d.expect_silence();
  d.app().close();
  d.expect(FIN | ACK, seq(2), data("bc"), push());
  d.advance(250ms);
  d.expect(FIN | ACK, seq(1), data("abc"));  // and again with all that fits
  d.send(ACK, seq(1), ack(5));
  d.state_is(State::kFinWait2);
}

}  // namespace sluice::script
