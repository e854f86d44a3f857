// SPDX-License-Identifier: BSD-3-Clause
// Case 2: a SYN where nobody listens is refused.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynToAClosedPortIsReset) {
  Dialogue d(GetParam());
  Peer& stranger = d.add_peer(40001, {}, 81);
  stranger.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kClosedReset);
  stranger.expect(RST | ACK, seq(0), ack(1), win(0));
}

}  // namespace sluice::script
