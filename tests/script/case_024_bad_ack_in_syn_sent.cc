// SPDX-License-Identifier: BSD-3-Clause
// Case 24: SYN_SENT resets an ACK that is out of range, unless it is a RST itself.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, BadAckInSynSentIsReset) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(ACK, seq(9), ack(0));
  d.verdict_is(Verdict::kSynSentBadAck);
  d.expect(RST, seq(0));
  d.send(ACK, seq(9), ack(2));
  d.expect(RST, seq(2));
  d.send(RST | ACK, seq(9), ack(2));
  d.verdict_is(Verdict::kSynSentIgnored);
  d.send(ACK, seq(9), ack(1));  // a good ACK alone says nothing
  d.verdict_is(Verdict::kSynSentIgnored);
  d.expect_silence();
  d.state_is(State::kSynSent);
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
