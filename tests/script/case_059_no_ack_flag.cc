// SPDX-License-Identifier: BSD-3-Clause
// Case 59: without the ACK flag, or without any, a segment is dropped (RFC 9293 3.10.7.4, step 5).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SegmentsWithoutAckAreDropped) {
  Dialogue d(GetParam());
  d.establish();
  for (const unsigned flags : {0U, PSH, FIN, FIN | PSH | URG}) {
    d.send(flags, seq(1), data("x"));
    d.verdict_is(Verdict::kNoAck);
    d.expect_silence();
  }
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().received(), "");
  d.send(ACK, seq(1), ack(1), data("y"));
  d.expect(ACK, ack(2));
}

}  // namespace sluice::script
