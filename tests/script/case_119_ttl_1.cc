// SPDX-License-Identifier: BSD-3-Clause
// Case 119: who received a packet does not care how far it could have gone on.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TtlOfOneIsAccepted) {
  Dialogue d(GetParam());
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  frame[d.v4() ? 22 : 21] = 1;
  fix_checksums(frame, d.l4());
  d.send_frame(frame);
  d.expect(SYN | ACK, seq(0), ack(1));
}

}  // namespace sluice::script
