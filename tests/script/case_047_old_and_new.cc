// SPDX-License-Identifier: BSD-3-Clause
// Case 47: of a segment that repeats and goes on only the new bytes are delivered.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OnlyTheNewPartOfAnOverlapIsDelivered) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(11));
  d.send(ACK, seq(5), ack(1), bytes(10));
  d.expect(ACK, ack(15));
  d.send(ACK, seq(1), ack(1), bytes(20));
  d.expect(ACK, ack(21));
  EXPECT_TRUE(d.app().has_bytes(20));
}

}  // namespace sluice::script
