// SPDX-License-Identifier: BSD-3-Clause
// RFC 5961 4.2: a SYN in any synchronized state is challenged and changes nothing.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, SynIsChallengedInEverySynchronizedState) {
  for (const State state : {State::kEstablished, State::kFinWait1, State::kFinWait2, State::kCloseWait, State::kClosing,
                            State::kLastAck}) {
    SCOPED_TRACE(state_name(state));
    const auto d = reach(GetParam(), state);
    d->send(SYN, seq(100000), mss(1000));
    d->verdict_is(Verdict::kSynChallenge);
    d->expect(ACK, ack(next_seq(state)));
    d->state_is(state);
  }
}

}  // namespace sluice::script
