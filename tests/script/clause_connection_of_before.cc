// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.5.1: our SYN finds a connection of before at the peer.
#include "script/dialogue.h"

namespace sluice::script {

// The peer lost our last ACK, or we lost all we knew: its ACK is reset, and the next SYN need not wait for an RTO.
TEST_P(Family, SynGoesAgainSoonAfterAConnectionOfBefore) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  d.send(ACK, seq(9), ack(0x20000000));
  d.verdict_is(Verdict::kSynSentBadAck);
  d.expect(RST, seq(0x20000000));
  d.advance(3ms);
  d.expect(SYN, seq(0));
  d.send(ACK, seq(9), ack(0x20000000));
  d.expect(RST, seq(0x20000000));
  d.advance(1s);
  d.expect_silence();  // once: the second answer waits for the RTO, doubled
  d.advance(1s);
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
}

// Whoever repeats such ACKs does not put the SYN off.
TEST_P(Family, AcksOfAConnectionOfBeforeDoNotHoldUpTheSyn) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  for (int ms = 0; ms < 2; ++ms) {
    d.send(ACK, seq(9), ack(0x20000000));
    d.expect(RST, seq(0x20000000));
    d.advance(1ms);
  }
  d.expect(SYN, seq(0));
}

}  // namespace sluice::script
