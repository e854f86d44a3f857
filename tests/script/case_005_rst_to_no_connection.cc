// SPDX-License-Identifier: BSD-3-Clause
// Case 5: a RST is never answered.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetToAClosedOrListeningPortIsSilent) {
  Dialogue d(GetParam());
  Peer& stranger = d.add_peer(40001, {}, 81);
  stranger.send(RST, seq(5));
  d.verdict_is(Verdict::kClosedRstIgnored);
  stranger.send(RST | ACK, seq(5), ack(9));
  d.verdict_is(Verdict::kClosedRstIgnored);
  d.send(RST, seq(5));
  d.verdict_is(Verdict::kListenRstIgnored);
  d.send(RST | ACK, seq(5), ack(9));
  d.verdict_is(Verdict::kListenRstIgnored);
  d.expect_silence();
  d.state_is(State::kListen);
}

}  // namespace sluice::script
