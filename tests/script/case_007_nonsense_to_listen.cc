// SPDX-License-Identifier: BSD-3-Clause
// Case 7: what is neither SYN nor ACK nor RST, and SYN with FIN or RST, opens nothing.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ListenerDropsFinNullSynFinAndSynRst) {
  Dialogue d(GetParam());
  for (const unsigned flags : {FIN, 0U, SYN | FIN, SYN | RST, PSH, FIN | URG, SYN | FIN | PSH | URG}) {
    d.send(flags, seq(0), mss(1000));
    d.expect_silence();
    d.state_is(State::kListen);
  }
  EXPECT_EQ(d.count(Verdict::kListenIgnored), 6U);
}

}  // namespace sluice::script
