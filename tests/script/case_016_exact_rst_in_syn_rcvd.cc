// SPDX-License-Identifier: BSD-3-Clause
// Case 16: an exact RST returns a passive connection to LISTEN.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ExactResetInSynRcvdReturnsToListen) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(RST, seq(1));
  d.verdict_is(Verdict::kSynRcvdReset);
  d.expect_silence();
  d.state_is(State::kListen);
  d.send(ACK, seq(1), ack(1));
  d.expect(RST, seq(1));
  EXPECT_EQ(d.app().accepted(), 0U);
}

}  // namespace sluice::script
