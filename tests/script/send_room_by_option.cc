// SPDX-License-Identifier: BSD-3-Clause
// Room that an option makes is told to who waits for it.
#include "script/dialogue.h"

namespace sluice::script {

namespace {
Scene small_buffer() {
  Scene scene;
  scene.options.sndbuf = 10'000;
  return scene;
}
}  // namespace

TEST_P(Family, ALargerSendBufferWakesWhoWaitsForRoom) {
  Dialogue d(GetParam(), small_buffer());
  d.establish(mss(d.our_mss()));
  EXPECT_EQ(d.app().send_bytes(20'000), 10'000U);
  (void)d.peer().take();
  ASSERT_TRUE(d.app().set(Option::kSndbuf, 1 << 20));
  d.send(ACK, seq(1), ack(10'001));
  d.advance(100ms);
  EXPECT_EQ(d.app().writable(), 1U);
}

TEST_P(Family, ALargerSendBufferWakesThoughThePeerSaysNothing) {
  Dialogue d(GetParam(), small_buffer());
  d.establish(mss(d.our_mss()), win(0));
  EXPECT_EQ(d.app().send_bytes(20'000), 10'000U);
  ASSERT_TRUE(d.app().set(Option::kSndbuf, 1 << 20));
  EXPECT_EQ(d.app().writable(), 0U) << "not within the call";
  d.advance(50ms);
  EXPECT_EQ(d.app().writable(), 1U);
  (void)d.peer().take();
}

}  // namespace sluice::script
