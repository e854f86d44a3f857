// SPDX-License-Identifier: BSD-3-Clause
// Case 41: TS.Recent is taken from segments at or before Last.ACK.sent, pure ACKs included (RFC 7323 4.3).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TsRecentIsNotTakenFromBeyondAGap) {
  Dialogue d(GetParam());
  d.establish(timestamps(), tsval(1000));
  d.send(ACK, seq(11), ack(1), tsval(1010), bytes(10));
  d.expect(ACK, ack(1), tsecr(1000));
  d.send(ACK, seq(1), ack(1), tsval(1005));  // a pure ACK counts
  d.send(ACK, seq(21), ack(1), tsval(1020), bytes(10));
  d.expect(ACK, ack(1), tsecr(1005));
  d.send(ACK, seq(1), ack(1), tsval(1030), bytes(10));
  d.expect(ACK, ack(31), tsecr(1030));
}

}  // namespace sluice::script
