// SPDX-License-Identifier: BSD-3-Clause
// Case 88: a SYN|ACK in ESTABLISHED gets an ACK.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynAckInEstablishedIsAcknowledged) {
  Dialogue d(GetParam());
  d.establish();
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

TEST_P(Family, RepeatedSynAckOfAnActiveOpenIsAcknowledged) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.establish_actively();
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));  // our ACK was lost
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
