// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.8: what nobody answers is given up, in every state that waits for an ACK.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, SilenceEndsEveryStateThatWaits) {
  for (const State state : {State::kSynSent, State::kSynRcvd, State::kFinWait1, State::kClosing, State::kLastAck}) {
    SCOPED_TRACE(state_name(state));
    const bool active = state == State::kSynSent || state == State::kSynRcvd;
    const auto d = reach(GetParam(), state, active);
    d->advance(100s);
    d->state_is(state);
    d->advance(1800s);
    d->state_is(active ? State::kClosed : State::kListen);
    EXPECT_EQ(d->app().closed(), Errc::kTimedOut);
    (void)d->peer().take();
  }
}

}  // namespace sluice::script
