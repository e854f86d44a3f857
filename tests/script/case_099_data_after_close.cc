// SPDX-License-Identifier: BSD-3-Clause
// Case 99: text for an application that is gone is reset; FIN_WAIT_2 without an application ends by itself.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextAfterAFullCloseIsReset) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(ACK, seq(1), ack(2));
  d.send(ACK, seq(1), ack(2), data("anyone?"));
  d.verdict_is(Verdict::kDataAfterClose);
  d.expect(RST, seq(2));
  d.state_is(State::kListen);
}

TEST_P(Family, FinWait2WithoutAnApplicationTimesOut) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(ACK, seq(1), ack(2));
  d.advance(59s);
  d.state_is(State::kFinWait2);
  d.advance(2s);
  d.state_is(State::kListen);
  d.expect_silence();
}

}  // namespace sluice::script
