// SPDX-License-Identifier: BSD-3-Clause
// Case 22: nobody lives at port 0.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SourcePortZeroIsDroppedAndDestinationPortZeroIsReset) {
  Dialogue d(GetParam());
  Peer& from_zero = d.add_peer(0);
  from_zero.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kTcpPortZero);
  d.expect_silence();
  Peer& to_zero = d.add_peer(40001, {}, 0);
  to_zero.send(SYN, seq(0), mss(1000));
  to_zero.expect(RST | ACK, seq(0), ack(1));
}

}  // namespace sluice::script
