// SPDX-License-Identifier: BSD-3-Clause
// Case 13: an ACK of what was never sent is reset, and the handshake still completes.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckOfTheUnsentInSynRcvdIsResetAndForgotten) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(2));
  d.verdict_is(Verdict::kSynRcvdBadAck);
  d.expect(RST, seq(2));
  d.state_is(State::kSynRcvd);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
