// SPDX-License-Identifier: BSD-3-Clause
// Case 12: the same SYN again, the same SYN|ACK again.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, DuplicateSynGetsTheSameSynAck) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), wscale(3));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(500ms);
  d.send(SYN, seq(0), mss(1000), wscale(3));
  d.verdict_is(Verdict::kSynRcvdDuplicateSyn);
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(600ms);  // and by our own timer
  d.expect(SYN | ACK, seq(0), ack(1));
  const auto& mib = d.host().stack().counters().mib;
  EXPECT_EQ(mib.OutSegs, 1U);
  EXPECT_EQ(mib.RetransSegs, 2U);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().accepted(), 1U);
}

}  // namespace sluice::script
