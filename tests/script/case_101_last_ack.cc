// SPDX-License-Identifier: BSD-3-Clause
// Case 101: LAST_ACK sends its FIN again, answers FIN and SYN, and ends with the last ACK.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, LastAckRetransmitsAnswersAndEnds) {
  Dialogue d(GetParam());
  d.establish();
  d.send(FIN | ACK, seq(1), ack(1));
  d.expect(ACK, seq(1), ack(2));
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(2));
  d.state_is(State::kLastAck);
  d.advance(250ms);
  d.expect(FIN | ACK, seq(1), ack(2));
  d.send(FIN | ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kDataDuplicate);
  d.expect(ACK, seq(2), ack(2));
  d.send(SYN, seq(2), mss(1000));
  d.verdict_is(Verdict::kSynChallenge);
  d.expect(ACK, seq(2), ack(2));
  d.state_is(State::kLastAck);
  d.send(ACK, seq(2), ack(2));
  d.verdict_is(Verdict::kConnectionClosed);
  d.state_is(State::kListen);
  d.expect_silence();
  d.send(ACK, seq(2), ack(2));
  d.expect(RST, seq(2));
}

}  // namespace sluice::script
