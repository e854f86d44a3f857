// SPDX-License-Identifier: BSD-3-Clause
// Case 55: FIN with text ahead of a gap is SACKed and waits; one ACK then covers text and FIN.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FinWithTextAheadOfAGapWaits) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.send(FIN | ACK, seq(101), ack(1), bytes(100));
  d.expect(ACK, ack(1), sack({{101, 202}}));
  d.state_is(State::kEstablished);
  EXPECT_FALSE(d.app().eof());
  d.send(ACK, seq(1), ack(1), bytes(100));
  d.expect(ACK, seq(1), ack(202));
  d.state_is(State::kCloseWait);
  EXPECT_TRUE(d.app().has_bytes(200));
  EXPECT_TRUE(d.app().eof());
}

}  // namespace sluice::script
