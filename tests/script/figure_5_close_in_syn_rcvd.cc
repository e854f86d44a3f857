// SPDX-License-Identifier: BSD-3-Clause
// Figure 5: CLOSE in SYN_RCVD sends a FIN and enters FIN_WAIT_1.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, CloseInSynRcvdLeadsToFinWait1) {
  const auto d = reach(GetParam(), State::kSynRcvd, true);
  d->app().close();
  d->expect(FIN | ACK, seq(1), ack(1));
  d->state_is(State::kFinWait1);
  d->send(ACK, seq(1), ack(1));  // of our SYN
  d->state_is(State::kFinWait1);
  d->send(ACK, seq(1), ack(2));
  d->state_is(State::kFinWait2);
  d->send(FIN | ACK, seq(1), ack(2));
  d->expect(ACK, seq(2), ack(2));
  d->state_is(State::kTimeWait);
}

TEST_P(Family, SynAndFinAreRetransmittedFromFinWait1) {
  const auto d = reach(GetParam(), State::kSynRcvd, true);
  d->app().close();
  d->expect(FIN | ACK, seq(1), ack(1));
  // The SYN is the first that waits for an acknowledgment, so it alone goes again; the FIN when that has come.
  d->advance(1s);
  d->expect(SYN | ACK, seq(0), ack(1));
  d->advance(2s);
  d->expect(SYN | ACK, seq(0), ack(1));
  d->state_is(State::kFinWait1);
  d->send(ACK, seq(1), ack(1));
  d->advance(1s);
  d->expect(FIN | ACK, seq(1), ack(1));
  d->state_is(State::kFinWait1);
  d->send(ACK, seq(1), ack(2));
  d->state_is(State::kFinWait2);
}

TEST_P(Family, AcksOfTheIssInFinWait1AreNoDuplicates) {
  const auto d = reach(GetParam(), State::kSynRcvd, true);
  d->app().close();
  d->expect(FIN | ACK, seq(1), ack(1));
  for (int i = 0; i < 4; ++i) d->send(ACK, seq(1), ack(0));  // nothing is behind our SYN that they could ask for
  d->expect_silence();
  d->state_is(State::kFinWait1);
  d->send(ACK, seq(1), ack(2));
  d->state_is(State::kFinWait2);
}

}  // namespace sluice::script
