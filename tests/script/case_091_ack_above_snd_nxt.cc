// SPDX-License-Identifier: BSD-3-Clause
// Case 91: text with an ACK of what was never sent is refused, with an ACK.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextWithATooHighAckIsRefused) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(2), data("forged"));
  d.verdict_is(Verdict::kAckTooHigh);
  d.expect(ACK, seq(1), ack(1));
  EXPECT_EQ(d.app().received(), "");
  d.send(ACK, seq(1), ack(1), data("true"));
  d.expect(ACK, ack(5));
  EXPECT_EQ(d.app().received(), "true");
}

}  // namespace sluice::script
