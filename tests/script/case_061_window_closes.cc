// SPDX-License-Identifier: BSD-3-Clause
// Case 61: an application that never reads closes the window, whose right edge never goes back.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, UnreadBytesCloseTheWindow) {
  Scene scene;
  scene.options.rcvbuf = 10000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  std::uint32_t edge = 10001;
  for (std::uint32_t i = 0; i < 20; ++i) {
    d.send(ACK, seq(1 + 500 * i), ack(1), bytes(500));
    d.advance(50ms);  // ACKs may be delayed
    d.expect(ACK, ack(501 + 500 * i));
    const std::uint32_t right = d.peer().last().ack - d.peer().isn() + d.peer().last().win;
    EXPECT_GE(right, edge);
    edge = right;
  }
  EXPECT_EQ(d.peer().last().win, 0);
  EXPECT_EQ(edge, 10001U);
}

TEST_P(Family, ScaledWindowClosesToo) {
  Scene scene;
  scene.options.rcvbuf = 200000;  // shift 2
  Dialogue d(GetParam(), scene);
  d.establish(wscale(0));
  d.app().stop_reading();
  std::uint32_t edge = 1;
  for (std::uint32_t i = 0; i < 200; ++i) {
    d.send(ACK, seq(1 + 1000 * i), ack(1), bytes(1000));
    d.advance(50ms);
    d.expect(ACK, ack(1001 + 1000 * i));
    const std::uint32_t right = d.peer().last().ack - d.peer().isn() + d.peer().last().win * 4U;
    EXPECT_GE(right, edge);
    edge = right;
  }
  EXPECT_EQ(d.peer().last().win, 0);
}

}  // namespace sluice::script
