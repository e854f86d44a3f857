// SPDX-License-Identifier: BSD-3-Clause
// Case 1: SYN, SYN|ACK, ACK.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ThreeWayHandshakeEstablishes) {
  Dialogue d(GetParam());
  d.state_is(State::kListen);
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenSyn);
  d.expect(SYN | ACK, seq(0), ack(1), mss(d.our_mss()), win(65535));
  d.state_is(State::kSynRcvd);
  EXPECT_EQ(d.app().accepted(), 0U);
  d.send(ACK, seq(1), ack(1));
  d.verdict_is(Verdict::kSynRcvdEstablished);
  d.state_is(State::kEstablished);
  d.expect_silence();
  EXPECT_EQ(d.app().accepted(), 1U);
}

}  // namespace sluice::script
