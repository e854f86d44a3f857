// SPDX-License-Identifier: BSD-3-Clause
// Case 105: a RST does not end TIME_WAIT (RFC 1337; deviates from RFC 9293 on purpose).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetInTimeWaitIsIgnored) {
  Dialogue d(GetParam());
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  for (const std::uint32_t at : {2U, 3U, 1000000U}) {
    d.send(RST, seq(at));
    d.verdict_is(Verdict::kTimeWaitRstIgnored);
  }
  d.expect_silence();
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
