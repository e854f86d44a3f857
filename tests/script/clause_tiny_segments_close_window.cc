// SPDX-License-Identifier: BSD-3-Clause
// RFC 7323 2.4: a scaled window fed with single bytes closes all the same, its edge going back by less than
// one unit.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ScaledWindowClosesUnderSingleBytes) {
  Scene scene;
  scene.options.rcvbuf = 66000;  // shift 1
  Dialogue d(GetParam(), scene);
  d.establish(wscale(0));
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), bytes(1));
  (void)d.peer().take();
  std::uint32_t nxt = 2;
  for (int i = 0; i < 64; ++i) {
    d.send(ACK, seq(nxt), ack(1), bytes(1000));
    nxt += 1000;
    d.advance(50ms);
    (void)d.peer().take();
  }
  std::uint32_t edge = 0;
  std::uint32_t win = 1;
  for (int i = 0; i < 20000 && win != 0; ++i) {
    d.send(ACK, seq(nxt++), ack(1), bytes(1));
    d.send(ACK, seq(nxt++), ack(1), bytes(1));
    for (const Heard& h : d.peer().take()) {
      win = h.win * 2U;
      const std::uint32_t right = h.ack - d.peer().isn() + win;
      EXPECT_GT(right + 2, edge);
      edge = std::max(edge, right);
    }
  }
  EXPECT_EQ(win, 0U);
  EXPECT_LE(nxt, 66000U + 66000U / 8);
}

}  // namespace sluice::script
