// SPDX-License-Identifier: BSD-3-Clause
// Case 90: what one connection uses of its limit another does not feel (CVE-2016-5696).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ChallengeLimitIsNotShared) {
  Dialogue d(GetParam());
  Peer& other = d.add_peer(40001);
  d.establish();
  other.establish();
  for (int i = 0; i < 300; ++i) d.send(SYN, seq(0), mss(1000));
  (void)d.peer().take();
  other.send(RST, seq(5));
  other.expect(ACK, seq(1), ack(1));
}

}  // namespace sluice::script
