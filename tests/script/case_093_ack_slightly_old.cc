// SPDX-License-Identifier: BSD-3-Clause
// Case 93: an ACK within MAX.SND.WND below SND.UNA is merely old; its text is good.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextWithASlightlyOldAckIsAccepted) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1U - 65535U), data("late"));
  d.expect(ACK, seq(1), ack(5));
  EXPECT_EQ(d.app().received(), "late");
  d.send(ACK, seq(5), ack(0), data("r"));
  d.expect(ACK, seq(1), ack(6));
}

}  // namespace sluice::script
