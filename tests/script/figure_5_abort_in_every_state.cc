// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.5: ABORT deletes the connection in any state, with a RST where the peer believes in it.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, AbortEndsEveryState) {
  for (const State state : kReachable) {
    SCOPED_TRACE(state_name(state));
    const bool active = state == State::kSynSent || state == State::kSynRcvd;
    const auto d = reach(GetParam(), state, active);
    d->app().abort();
    const bool silent = state == State::kSynSent || state == State::kClosing || state == State::kLastAck ||
                        state == State::kTimeWait;
    if (silent) {
      d->expect_silence();
    } else {
      const bool fin_sent = state == State::kFinWait1 || state == State::kFinWait2;
      d->expect(RST | ACK, seq(fin_sent ? 2 : 1), ack(next_seq(state)));
    }
    d->state_is(active ? State::kClosed : State::kListen);
    EXPECT_FALSE(d->app().closed().has_value());
  }
}

}  // namespace sluice::script
