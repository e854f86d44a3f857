// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.4, step 8: a FIN that was heard already changes nothing and is acknowledged.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, RepeatedFinIsAcknowledged) {
  for (const State state : {State::kCloseWait, State::kClosing, State::kLastAck, State::kTimeWait}) {
    SCOPED_TRACE(state_name(state));
    const auto d = reach(GetParam(), state);
    d->send(FIN | ACK, seq(1), ack(1));
    d->expect(ACK, ack(2));
    d->state_is(state);
  }
}

}  // namespace sluice::script
