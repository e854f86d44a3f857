// SPDX-License-Identifier: BSD-3-Clause
// Case 26: a SYN|ACK of something else is reset.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynAckOfSomethingElseIsReset) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(5), mss(1000));
  d.expect(RST, seq(5));
  d.state_is(State::kSynSent);
  d.send(SYN | ACK, seq(0), ack(0), mss(1000));
  d.expect(RST, seq(0));
  d.state_is(State::kSynSent);
}

}  // namespace sluice::script
