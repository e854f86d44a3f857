// SPDX-License-Identifier: BSD-3-Clause
// Case 40: timestamps wrap, and after 24 days of silence an old one proves nothing.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TimestampsMayWrap) {
  Dialogue d(GetParam());
  d.establish(timestamps(), tsval(0xfffffff0));
  d.send(ACK, seq(1), ack(1), tsval(0xfffffff8), data("before"));
  d.expect(ACK, ack(7), tsecr(0xfffffff8));
  d.send(ACK, seq(7), ack(1), tsval(3), data("after"));
  d.expect(ACK, ack(12), tsecr(3));
  d.send(ACK, seq(12), ack(1), tsval(0xffffffff), data("old"));
  d.verdict_is(Verdict::kPaws);
  d.expect(ACK, ack(12));
}

TEST_P(Family, AfterTwentyFourDaysAnyTimestampIsGood) {
  Dialogue d(GetParam());
  d.establish(timestamps(), tsval(1000));
  d.send(ACK, seq(1), ack(1), tsval(2000), data("a"));
  d.expect(ACK, ack(2));
  for (int day = 0; day < 25; ++day) d.advance(24h);
  d.expect_silence();
  d.send(ACK, seq(2), ack(1), tsval(1000), data("b"));
  d.expect(ACK, ack(3), tsecr(1000));
  EXPECT_EQ(d.app().received(), "ab");
}

}  // namespace sluice::script
