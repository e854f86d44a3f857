// SPDX-License-Identifier: BSD-3-Clause
// Case 106: a SYN above RCV.NXT opens a new connection, whose ISS is above the old numbers (RFC 9293 3.6.1,
// MAY-2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, HigherSynInTimeWaitOpensANewConnection) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(500);
  d.expect(ACK, seq(1), bytes(500));
  d.app().close();
  d.expect(FIN | ACK, seq(501), ack(1));
  d.send(FIN | ACK, seq(1), ack(502));
  d.expect(ACK, seq(502), ack(2));
  const std::uint32_t old_nxt = d.peer().iss() + 502;
  d.peer().forget(d.peer().isn() + 3);  // RCV.NXT + 1
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kTimeWaitReused);
  d.expect(SYN | ACK, seq(0), ack(1));
  EXPECT_LT(d.peer().iss() - old_nxt - 1, 0x7fffffffU);
  d.send(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  EXPECT_EQ(d.app().accepted(), 2U);
}

}  // namespace sluice::script
