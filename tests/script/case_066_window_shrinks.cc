// SPDX-License-Identifier: BSD-3-Clause
// Case 66: a peer that takes its window back is survived (RFC 9293 3.8.6).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ShrunkWindowIsSurvived) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(5000);
  for (std::uint32_t i = 0; i < 5; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.send(ACK, seq(1), ack(1001), win(500));  // the right edge goes back from 65536 to 1501
  d.expect_silence();
  d.advance(201ms);
  d.expect(ACK, seq(1001), bytes(500));
  d.send(ACK, seq(1), ack(1501), win(0));
  std::uint32_t rcv_nxt = 1501;
  d.advance(5s);
  for (const Heard& h : d.peer().take()) EXPECT_LE(h.seq - d.peer().iss(), 1501U);
  d.send(ACK, seq(1), ack(rcv_nxt), win(20000));
  for (int i = 0; i < 20 && rcv_nxt < 5001; ++i) {
    for (const Heard& h : d.peer().take()) {
      const std::uint32_t left = h.seq - d.peer().iss();
      const auto right = static_cast<std::uint32_t>(left + h.data.size());
      if (left <= rcv_nxt) rcv_nxt = std::max(rcv_nxt, right);
    }
    d.send(ACK, seq(1), ack(rcv_nxt), win(20000));
    if (d.peer().waiting() == 0) d.advance(1s);
  }
  EXPECT_EQ(rcv_nxt, 5001U);
  (void)d.peer().take();
  d.state_is(State::kEstablished);
}

}  // namespace sluice::script
