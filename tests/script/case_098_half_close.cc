// SPDX-License-Identifier: BSD-3-Clause
// Case 98: half-closed, FIN_WAIT_2 still receives; a SYN is challenged.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FinWait2StillReceives) {
  Dialogue d(GetParam());
  d.establish();
  d.app().shutdown_write();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(ACK, seq(1), ack(2));
  d.state_is(State::kFinWait2);
  d.advance(600s);  // for as long as the application wants
  d.state_is(State::kFinWait2);
  d.send(ACK, seq(1), ack(2), data("still talking"));
  d.expect(ACK, seq(2), ack(14));
  d.send(SYN, seq(14), mss(1000));
  d.verdict_is(Verdict::kSynChallenge);
  d.expect(ACK, seq(2), ack(14));
  d.send(FIN | ACK, seq(14), ack(2), data("!"));
  d.expect(ACK, seq(2), ack(16));
  d.state_is(State::kTimeWait);
  EXPECT_EQ(d.app().received(), "still talking!");
  EXPECT_TRUE(d.app().eof());
}

}  // namespace sluice::script
