// SPDX-License-Identifier: BSD-3-Clause
// Case 18: a SYN with another ISN in the window returns a passive connection to LISTEN.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, InWindowSynInSynRcvdReturnsToListen) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(SYN, seq(50), mss(1000));
  d.verdict_is(Verdict::kSynRcvdSynReset);
  d.state_is(State::kListen);
  d.expect_silence();
  // The peer tries again: now it is heard.
  d.peer().forget(d.peer().isn() + 50);
  d.establish(mss(1000));
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
