// SPDX-License-Identifier: BSD-3-Clause
// Case 49: a full duplicate gets an ACK, with DSACK where SACK is spoken (RFC 2883).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FullDuplicateIsReportedByDsack) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(11));
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.verdict_is(Verdict::kDataDuplicate);
  d.expect(ACK, seq(1), ack(11), sack({{1, 11}}));
  d.send(ACK, seq(11), ack(1), bytes(10));
  d.expect(ACK, ack(21));  // a DSACK is said once
  EXPECT_TRUE(d.app().has_bytes(20));
}

TEST_P(Family, DuplicateAheadOfAGapIsReportedBeforeItsBlock) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.send(ACK, seq(11), ack(1), bytes(10));
  d.expect(ACK, ack(1), sack({{11, 21}}));
  d.send(ACK, seq(21), ack(1), bytes(10));
  d.expect(ACK, ack(1), sack({{11, 31}}));
  d.send(ACK, seq(21), ack(1), bytes(10));
  d.expect(ACK, ack(1), sack({{21, 31}, {11, 31}}));
}

TEST_P(Family, FullDuplicateWithoutSackGetsAnAck) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(11));
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, seq(1), ack(11));
}

}  // namespace sluice::script
