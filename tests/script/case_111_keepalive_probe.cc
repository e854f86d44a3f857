// SPDX-License-Identifier: BSD-3-Clause
// Case 111: the peer's keepalive probe, with no byte or one, is answered (RFC 9293 3.8.4).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, KeepaliveProbesAreAnswered) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), data("x"));
  d.expect(ACK, ack(2));
  d.advance(600s);
  d.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kKeepaliveAnswered);
  d.expect(ACK, seq(1), ack(2));
  d.advance(600s);
  d.send(ACK, seq(1), ack(1), data("x"));
  d.verdict_is(Verdict::kKeepaliveAnswered);
  d.expect(ACK, seq(1), ack(2));
  EXPECT_EQ(d.app().received(), "x");
}

}  // namespace sluice::script
