// SPDX-License-Identifier: BSD-3-Clause
// Case 3: an ACK to a closed port gets a RST that takes its number from it.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckToAClosedPortIsResetWithItsOwnNumber) {
  Dialogue d(GetParam());
  Peer& stranger = d.add_peer(40001, {}, 81);
  stranger.send(ACK, seq(5), ack(7777));
  stranger.expect(RST, seq(7777), win(0));
  stranger.send(ACK | FIN, seq(5), ack(7778), bytes(10));
  stranger.expect(RST, seq(7778), win(0));
}

}  // namespace sluice::script
