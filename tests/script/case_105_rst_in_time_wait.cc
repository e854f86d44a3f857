// SPDX-License-Identifier: BSD-3-Clause
// Case 105: a RST does not end TIME_WAIT (RFC 1337; deviates from RFC 9293 on purpose).
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, ResetInTimeWaitIsIgnored) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  for (const std::uint32_t at : {2U, 3U, 1000000U}) {
    d.send(RST, seq(at));
    d.verdict_is(Verdict::kTimeWaitRstIgnored);
  }
  d.expect_silence();
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
