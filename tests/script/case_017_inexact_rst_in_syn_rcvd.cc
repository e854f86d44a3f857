// SPDX-License-Identifier: BSD-3-Clause
// Case 17: a RST in the window but not at RCV.NXT is challenged.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, InexactResetInSynRcvdIsChallenged) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(RST, seq(100));
  d.verdict_is(Verdict::kSynRcvdChallenge);
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kSynRcvd);
  d.send(RST, seq(200000));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
