// SPDX-License-Identifier: BSD-3-Clause
// Figure 5: CLOSE in SYN_SENT deletes the connection without a word.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, CloseInSynSentIsSilent) {
  const auto d = reach(GetParam(), State::kSynSent);
  d->app().close();
  d->expect_silence();
  d->state_is(State::kClosed);
  d->send(SYN | ACK, seq(0), ack(1), mss(1000));
  d->expect(RST, seq(1));
}

}  // namespace sluice::script
