// SPDX-License-Identifier: BSD-3-Clause
// Case 50: of a partial duplicate that part is reported.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, PartialDuplicateIsReportedByDsack) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(11));
  d.send(ACK, seq(6), ack(1), bytes(10));
  d.expect(ACK, ack(16), sack({{6, 11}}));
  EXPECT_TRUE(d.app().has_bytes(15));
}

TEST_P(Family, OverlapOfAnArrivalWithAQueuedBlockIsReported) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.send(ACK, seq(11), ack(1), bytes(10));
  d.expect(ACK, ack(1), sack({{11, 21}}));
  d.send(ACK, seq(1), ack(1), bytes(15));
  d.expect(ACK, ack(21), sack({{11, 16}}));
  EXPECT_TRUE(d.app().has_bytes(20));
}

}  // namespace sluice::script
