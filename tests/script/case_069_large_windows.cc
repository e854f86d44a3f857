// SPDX-License-Identifier: BSD-3-Clause
// Case 69: scaled windows up to 1 GiB both ways.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, WindowsMayBeAGigabyte) {
  Scene scene;
  scene.options.rcvbuf = 1U << 30U;
  Dialogue d(GetParam(), scene);
  d.send(SYN, seq(0), mss(1000), wscale(14));
  d.expect(SYN | ACK, wscale(14), win(49152));
  d.send(ACK, seq(1), ack(1), win(65535), data("x"));
  d.expect(ACK, ack(2), win(65535));
  EXPECT_EQ(d.app().info().snd_wnd, 65535U << 14U);
}

}  // namespace sluice::script
