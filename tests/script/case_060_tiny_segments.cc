// SPDX-License-Identifier: BSD-3-Clause
// Case 60: a stream of single bytes takes memory by its bytes, not by its segments.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, UnreadSingleBytesShareBuffers) {
  Dialogue d(GetParam());
  d.establish();
  d.app().stop_reading();
  for (std::uint32_t i = 0; i < 3000; ++i) {
    d.send(ACK, seq(1 + i), ack(1), bytes(1));
    (void)d.peer().take();
  }
  EXPECT_LT(d.stack().bufs().in_use(), 16U);
  d.app().start_reading();
  EXPECT_TRUE(d.app().has_bytes(3000));
}

TEST_P(Family, SingleBytesAheadOfGapsAreBounded) {
  Scene scene;
  scene.options.rcvbuf = 65536;
  Dialogue d(GetParam(), scene);
  d.establish(sack_permitted());
  for (std::uint32_t i = 0; i < 600; ++i) {
    d.send(ACK, seq(2 + 2 * i), ack(1), bytes(1));
    (void)d.peer().take();
  }
  EXPECT_LT(d.stack().bufs().in_use(), 65536U / 512 + 64 + 16);
  d.send(ACK, seq(1), ack(1), bytes(1200));
  (void)d.peer().take();
  EXPECT_TRUE(d.app().has_bytes(1200));
}

}  // namespace sluice::script
