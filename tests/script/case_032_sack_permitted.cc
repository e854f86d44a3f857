// SPDX-License-Identifier: BSD-3-Clause
// Case 32: SACK only if offered. (That no unasked option is in a SYN|ACK, every script checks.)
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SackBlocksOnlyWhereSackWasOffered) {
  for (const bool offered : {false, true}) {
    Dialogue d(GetParam());
    if (offered) {
      d.establish(sack_permitted());
    } else {
      d.establish();
    }
    d.send(ACK, seq(11), ack(1), bytes(10));
    if (offered) {
      d.expect(ACK, seq(1), ack(1), sack({{11, 21}}));
    } else {
      d.expect(ACK, seq(1), ack(1));
    }
  }
}

}  // namespace sluice::script
