// SPDX-License-Identifier: BSD-3-Clause
// Figure 5, note 1 and "a RST in any state": an exact RST ends every connection but one in TIME_WAIT.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, ExactResetEndsEveryStateButTimeWait) {
  for (const State state : kReachable) {
    if (state == State::kTimeWait) continue;  // case 105
    SCOPED_TRACE(state_name(state));
    const auto d = reach(GetParam(), state);
    if (state == State::kSynSent) {
      d->send(RST | ACK, seq(0), ack(1));
    } else {
      d->send(RST, seq(next_seq(state)));
    }
    d->expect_silence();
    d->state_is(state == State::kSynSent ? State::kClosed : State::kListen);
    if (state == State::kSynRcvd) {
      EXPECT_EQ(d->app().accepted(), 0U);  // nobody has known of it
      continue;
    }
    const bool said_all = state == State::kClosing || state == State::kLastAck;
    const Errc reason = state == State::kSynSent ? Errc::kConnectionRefused
                        : said_all               ? Errc::kOk
                                                 : Errc::kConnectionReset;
    EXPECT_EQ(d->app().closed(), reason);
  }
}

TEST_P(Family, ResetOfASimultaneousOpenRefusesIt) {
  const auto d = reach(GetParam(), State::kSynRcvd, true);
  d->send(RST, seq(1));
  d->expect_silence();
  d->state_is(State::kClosed);
  EXPECT_EQ(d->app().closed(), Errc::kConnectionRefused);
}

}  // namespace sluice::script
