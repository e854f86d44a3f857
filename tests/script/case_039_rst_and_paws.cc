// SPDX-License-Identifier: BSD-3-Clause
// Case 39: a RST is not subject to PAWS.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetIsExemptFromPaws) {
  Dialogue d(GetParam());
  d.establish(timestamps(), tsval(1000));
  d.send(RST, seq(1), tsval(1));
  d.verdict_is(Verdict::kReset);
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kConnectionReset);
}

}  // namespace sluice::script
