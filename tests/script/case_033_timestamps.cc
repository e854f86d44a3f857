// SPDX-License-Identifier: BSD-3-Clause
// Case 33: timestamps only if offered; TSecr echoes TSval. (That they are then in every segment, every script
// checks.)
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TimestampsAreEchoed) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), timestamps(), tsval(5000));
  d.expect(SYN | ACK, seq(0), ack(1), tsecr(5000));
  d.send(ACK, seq(1), ack(1), tsval(5001), data("x"));
  d.expect(ACK, seq(1), ack(2), tsecr(5001));
  const std::uint32_t first = d.peer().last().tsval.value_or(0);
  d.advance(250ms);
  d.app().send("y");
  d.expect(ACK, seq(1), ack(2), data("y"), tsecr(5001), tsval(first + 250));
}

TEST_P(Family, TimestampOffsetsDifferBetweenConnections) {
  Dialogue d(GetParam());
  Peer& other = d.add_peer(40001);
  d.establish(timestamps());
  other.establish(timestamps());
  EXPECT_NE(d.peer().last().tsval, other.last().tsval);
}

}  // namespace sluice::script
