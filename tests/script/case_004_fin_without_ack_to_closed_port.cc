// SPDX-License-Identifier: BSD-3-Clause
// Case 4: the RST acknowledges FIN and text.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FinWithTextToAClosedPortIsResetAndAcknowledged) {
  Dialogue d(GetParam());
  Peer& stranger = d.add_peer(40001, {}, 81);
  stranger.send(FIN, seq(10), bytes(3));
  stranger.expect(RST | ACK, seq(0), ack(14));
}

}  // namespace sluice::script
