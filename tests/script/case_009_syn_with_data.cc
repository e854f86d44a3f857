// SPDX-License-Identifier: BSD-3-Clause
// Case 9: text on a SYN is not acknowledged, and is taken when it is sent again.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextOnTheSynIsLeftForThePeerToSendAgain) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), bytes(10));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, seq(1), ack(11));
  d.state_is(State::kEstablished);
  EXPECT_TRUE(d.app().has_bytes(10));
}

}  // namespace sluice::script
