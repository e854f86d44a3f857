// SPDX-License-Identifier: BSD-3-Clause
// Case 64: a closed window is probed with growing intervals, and for ever while the peer answers (RFC 9293
// 3.8.6.1).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ZeroWindowIsProbedWithBackOff) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(0));
  d.app().send_bytes(100);
  d.expect_silence();
  d.advance(700ms);
  d.expect(ACK, seq(1), bytes(1), after(200ms));  // the least RTO
  d.expect(ACK, seq(1), bytes(1), after(600ms));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1), win(100));
  d.expect(ACK, seq(1), bytes(100));
  d.send(ACK, seq(1), ack(101));
  d.advance(10s);
  d.expect_silence();
}

TEST_P(Family, AnsweredProbesNeverAbort) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(0));
  d.app().send_bytes(100);
  std::chrono::milliseconds wait = 200ms;
  for (int i = 0; i < 40; ++i) {
    d.advance(wait + 1ms);  // the round trip is not quite nothing
    d.expect(ACK, seq(1), bytes(1));
    d.expect_silence();
    d.send(ACK, seq(1), ack(1), win(0));
    wait = std::min<std::chrono::milliseconds>(2 * wait, 60s);
  }
  d.state_is(State::kEstablished);
  d.send(ACK, seq(1), ack(1), win(1000));
  d.expect(ACK, seq(1), bytes(100));
}

}  // namespace sluice::script
