// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.4, step 1: what is not acceptable is answered by an ACK and changes nothing.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, UnacceptableTextIsAnsweredInEverySynchronizedState) {
  for (const State state : {State::kEstablished, State::kFinWait1, State::kFinWait2, State::kCloseWait, State::kClosing,
                            State::kLastAck, State::kTimeWait}) {
    SCOPED_TRACE(state_name(state));
    const auto d = reach(GetParam(), state);
    d->send(ACK, seq(1000000), ack(1), data("far away"));
    d->expect(ACK, ack(next_seq(state)));
    d->state_is(state);
    EXPECT_EQ(d->app().received(), "");
  }
}

}  // namespace sluice::script
