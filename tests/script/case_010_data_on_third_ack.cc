// SPDX-License-Identifier: BSD-3-Clause
// Case 10: text, or a FIN, may come with the ACK that completes the handshake.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextOnTheThirdAckIsDelivered) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1), data("hello"));
  d.expect(ACK, seq(1), ack(6));
  EXPECT_EQ(d.app().received(), "hello");
}

TEST_P(Family, FinOnTheThirdAckLeadsToCloseWait) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(FIN | ACK, seq(1), ack(1), data("bye"));
  d.expect(ACK, seq(1), ack(5));
  d.state_is(State::kCloseWait);
  EXPECT_EQ(d.app().accepted(), 1U);
  EXPECT_EQ(d.app().received(), "bye");
  EXPECT_TRUE(d.app().eof());
}

}  // namespace sluice::script
