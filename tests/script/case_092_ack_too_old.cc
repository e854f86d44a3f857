// SPDX-License-Identifier: BSD-3-Clause
// Case 92: text with an ACK older than SND.UNA - MAX.SND.WND is refused with a challenge ACK (RFC 5961 5.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextWithATooOldAckIsRefused) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1U - 65536U), data("forged"));
  d.verdict_is(Verdict::kAckTooOld);
  d.expect(ACK, seq(1), ack(1));
  EXPECT_EQ(d.app().received(), "");
}

}  // namespace sluice::script
