// SPDX-License-Identifier: BSD-3-Clause
// Case 82: an ACK of what was never sent gains nothing.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AckAboveSndNxtGivesNoCredit) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(1000);
  d.expect(ACK, seq(1), bytes(1000));
  const std::uint32_t cwnd = d.app().info().cwnd;
  d.send(ACK, seq(1), ack(1002));
  d.verdict_is(Verdict::kAckTooHigh);
  d.expect(ACK, seq(1001), ack(1));
  EXPECT_EQ(d.app().info().snd_una - d.peer().iss(), 1U);
  EXPECT_EQ(d.app().info().cwnd, cwnd);
  d.send(ACK, seq(1), ack(1001));
  d.verdict_is(Verdict::kAckAccepted);
}

}  // namespace sluice::script
