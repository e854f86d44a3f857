// SPDX-License-Identifier: BSD-3-Clause
// Case 43: a mark on text is echoed by every acknowledgment until CWR (RFC 3168 6.1.3); ECT is on new text only,
// not on SYNs, pure ACKs, retransmissions and probes (6.1.1, 6.1.4, 6.1.5, 6.1.6).
#include "script/ecn.h"

namespace sluice::script {

TEST_P(Family, MarkIsEchoedUntilCwr) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.send(ACK, bytes(100));
  d.expect(ACK, ack(101));
  d.send(ACK, bytes(100), ce());
  d.expect(ACK | ECE, ack(201));
  d.send(ACK, bytes(100));
  d.expect(ACK | ECE, ack(301));
  d.app().send_bytes(50);
  d.expect(ACK | ECE, seq(1), ack(301), bytes(50), ect());
  d.send(ACK | CWR, ack(51), bytes(100));
  d.expect(ACK, ack(401));
  d.send(ACK | CWR, ack(51), bytes(100), ce());
  d.expect(ACK | ECE, ack(501));
}

TEST_P(Family, MarkOnTextThatCompletesTheHandshakeIsEchoed) {
  Dialogue d(GetParam(), with_ecn());
  d.send(SYN | ECE | CWR, mss(1000));
  d.expect(SYN | ACK | ECE, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1), bytes(100), ce());  // the ACK before it was lost
  d.expect(ACK | ECE, ack(101));
}

TEST_P(Family, MarkOnAPureAckMeansNothing) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.send(ACK, ce());
  d.send(ACK, bytes(100));
  d.expect(ACK, ack(101));
}

TEST_P(Family, MarkIsIgnoredWithoutAgreement) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, bytes(100), ce());
  d.expect(ACK, ack(101));
}

TEST_P(Family, RetransmissionIsNotEct) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.app().send_bytes(500);
  d.expect(ACK, seq(1), bytes(500), ect());
  d.advance(1500ms);
  ASSERT_GT(d.peer().waiting(), 0U);
  for (const Heard& h : d.peer().take()) {
    EXPECT_EQ(h.seq - d.peer().iss(), 1U);
    EXPECT_EQ(h.ecn, 0U);
  }
}

TEST_P(Family, WindowProbeIsNotEct) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.send(ACK, seq(1), ack(1), win(0));
  d.app().send_bytes(500);
  d.advance(1500ms);
  ASSERT_GT(d.peer().waiting(), 0U);
  for (const Heard& h : d.peer().take()) EXPECT_EQ(h.ecn, 0U);
}

// RFC 8257 3.2: each acknowledgment speaks of segments of one kind only, and CWR changes nothing.
TEST_P(Family, DctcpReceiverEchoesSegmentBySegment) {
  Scene scene = with_ecn(CongestionControl::kDctcp);
  scene.options.quickack = false;
  Dialogue d(GetParam(), scene);
  establish_with_ecn(d);
  d.send(ACK, bytes(1000));
  d.expect_silence();
  d.send(ACK, bytes(1000), ce());
  d.expect(ACK, ack(1001));
  d.expect(ACK | ECE, ack(2001));  // the change at once: with a window of a segment the sender waits for it
  d.send(ACK | CWR, bytes(1000), ce());
  d.expect_silence();
  d.send(ACK, bytes(1000), ce());
  d.expect(ACK | ECE, ack(4001));
  d.send(ACK, bytes(1000), ce());
  d.expect_silence();
  d.send(ACK, bytes(1000));
  d.expect(ACK | ECE, ack(5001));
  d.expect(ACK, ack(6001));
}

}  // namespace sluice::script
