// SPDX-License-Identifier: BSD-3-Clause
// Case 125: a hard error ends SYN_SENT, a soft one does not.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, PortUnreachableRefusesInSynSent) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send_icmp(d.v4() ? 3 : 1, d.v4() ? 1 : 0, 0);  // host unreachable
  d.state_is(State::kSynSent);
  d.send_icmp(d.v4() ? 3 : 1, d.v4() ? 3 : 4, 0);
  d.verdict_is(Verdict::kIcmpErrorHandled);
  d.state_is(State::kClosed);
  EXPECT_EQ(d.app().closed(), Errc::kConnectionRefused);
  d.expect_silence();
}

}  // namespace sluice::script
