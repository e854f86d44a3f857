// SPDX-License-Identifier: BSD-3-Clause
// Case 6: an acknowledgment to a listener is of an old connection.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckToAListenerIsReset) {
  Dialogue d(GetParam());
  d.send(ACK, seq(5), ack(4000));
  d.verdict_is(Verdict::kListenReset);
  d.expect(RST, seq(4000));
  d.send(SYN | ACK, seq(5), ack(4001), mss(1000));
  d.expect(RST, seq(4001));
  d.send(FIN | ACK, seq(5), ack(4002));
  d.expect(RST, seq(4002));
  d.state_is(State::kListen);
}

}  // namespace sluice::script
