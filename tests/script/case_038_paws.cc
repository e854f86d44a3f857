// SPDX-License-Identifier: BSD-3-Clause
// Case 38: a segment with an old TSval is dropped and acknowledged (PAWS).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OldTimestampIsDroppedAndAcknowledged) {
  Dialogue d(GetParam());
  d.establish(timestamps(), tsval(1000));
  d.send(ACK, seq(1), ack(1), tsval(1000), data("new"));
  d.expect(ACK, ack(4), tsecr(1000));
  d.send(ACK, seq(4), ack(1), tsval(999), data("old"));
  d.verdict_is(Verdict::kPaws);
  d.expect(ACK, seq(1), ack(4), tsecr(1000));
  EXPECT_EQ(d.app().received(), "new");
  d.send(ACK, seq(4), ack(1), tsval(1001), data("good"));
  d.expect(ACK, seq(1), ack(8), tsecr(1001));
}

}  // namespace sluice::script
