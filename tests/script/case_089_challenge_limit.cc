// SPDX-License-Identifier: BSD-3-Clause
// Case 89: a burst gets one challenge ACK in 500 ms.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ChallengeAcksAreLimited) {
  Dialogue d(GetParam());
  d.establish();
  for (int i = 0; i < 30; ++i) d.send(SYN, seq(0), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.expect_silence();
  EXPECT_EQ(d.count(Verdict::kChallengeLimited), 29U);
  d.advance(499ms);
  d.send(SYN, seq(0), mss(1000));
  d.expect_silence();
  d.advance(1ms);
  d.send(SYN, seq(0), mss(1000));
  d.expect(ACK, seq(1), ack(1));
}

}  // namespace sluice::script
