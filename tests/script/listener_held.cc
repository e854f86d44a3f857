// SPDX-License-Identifier: BSD-3-Clause
// An application that accepts none for now: SYNs and last ACKs are dropped, and succeed when they come again.
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, HeldListenerDropsSynsAndLastAcks) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.host().hold(d.listener(), true);
  d.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kListenHeld);
  d.state_is(State::kSynRcvd);
  Peer& other = d.add_peer(40001);
  other.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenHeld);
  d.expect_silence();
  d.host().hold(d.listener(), false);
  d.advance(1s);
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

// Nor does a TIME_WAIT record give way to a SYN that is then dropped.
TEST_P(Family, HeldListenerReusesNoTimeWait) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  d.host().hold(d.listener(), true);
  d.peer().forget(d.peer().isn() + 3);
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenHeld);
  d.expect_silence();
  EXPECT_EQ(d.counter("time_wait"), 1U);
  d.host().hold(d.listener(), false);
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kTimeWaitReused);
  d.expect(SYN | ACK, seq(0), ack(1));
}

}  // namespace sluice::script
