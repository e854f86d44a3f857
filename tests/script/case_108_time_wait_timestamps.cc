// SPDX-License-Identifier: BSD-3-Clause
// Case 108: where both have timestamps these decide about the SYN in TIME_WAIT (RFC 6191).
#include "script/dialogue.h"
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, LowerSequenceAndHigherTimestampOpen) {
  Dialogue d(GetParam());
  close_with_timestamp(d, 1000);
  d.peer().forget(d.peer().isn() - 5000);
  d.send(SYN, seq(0), mss(1000), timestamps(), tsval(1001));
  d.verdict_is(Verdict::kTimeWaitReused);
  d.expect(SYN | ACK, seq(0), ack(1), tsecr(1001));
}

TEST_P(Family, HigherSequenceAndLowerTimestampAreAcknowledged) {
  Dialogue d(GetParam());
  close_with_timestamp(d, 1000);
  d.send(SYN, seq(5000), mss(1000), timestamps(), tsval(999));
  d.verdict_is(Verdict::kTimeWaitAck);
  d.expect(ACK, seq(2), ack(2));
}

TEST_P(Family, EqualTimestampAndLowerSequenceAreAcknowledged) {
  Dialogue d(GetParam());
  close_with_timestamp(d, 1000);
  d.send(SYN, seq(0), mss(1000), timestamps(), tsval(1000));
  d.verdict_is(Verdict::kTimeWaitAck);
  d.expect(ACK, seq(2), ack(2));
}

TEST_P(Family, EqualTimestampAndHigherSequenceOpen) {
  Dialogue d(GetParam());
  close_with_timestamp(d, 1000);
  d.peer().forget(d.peer().isn() + 5000);
  d.send(SYN, seq(0), mss(1000), timestamps(), tsval(1000));
  d.verdict_is(Verdict::kTimeWaitReused);
  d.expect(SYN | ACK, seq(0), ack(1), tsecr(1000));
}

TEST_P(Family, WithoutTimestampsInTheSynTheSequenceDecides) {
  Dialogue d(GetParam());
  close_with_timestamp(d, 1000);
  d.peer().forget(d.peer().isn() + 5000);
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kTimeWaitReused);
  d.expect(SYN | ACK, seq(0), ack(1));
}

// The old connection had none: whatever a new one sends can be told from its segments.
TEST_P(Family, WithTimestampsInTheSynAloneItOpens) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  d.peer().forget(d.peer().isn() - 5000);
  d.send(SYN, seq(0), mss(1000), timestamps(), tsval(7));
  d.verdict_is(Verdict::kTimeWaitReused);
  d.expect(SYN | ACK, seq(0), ack(1), tsecr(7));
}

}  // namespace sluice::script
