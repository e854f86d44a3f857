// SPDX-License-Identifier: BSD-3-Clause
// Case 72: an ACK with text, or with another window, is no duplicate.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AcksWithTextOrAnotherWindowAreNotCounted) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(10000);
  (void)d.peer().take();
  for (std::uint32_t i = 0; i < 5; ++i) {
    d.send(ACK, seq(1 + i), ack(1), bytes(1));
    d.expect(ACK, seq(10001), ack(2 + i));  // an ACK of the text, nothing else
  }
  for (std::uint32_t i = 0; i < 5; ++i) d.send(ACK, seq(6), ack(1), win(60000 - i));
  d.expect_silence();
  for (std::uint32_t i = 0; i < 2; ++i) d.send(ACK, seq(6), ack(1), win(59996));
  d.expect_silence();
  d.send(ACK, seq(6), ack(1), win(59996));
  d.expect(ACK, seq(1), bytes(1000));
}

}  // namespace sluice::script
