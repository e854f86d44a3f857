// SPDX-License-Identifier: BSD-3-Clause
// Case 67: SND.WL1 and SND.WL2 keep old segments from setting the window.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OldSegmentsDoNotSetTheWindow) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(1000), data("abc"));
  d.expect(ACK, ack(4));
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.send(ACK, seq(4), ack(2), win(900));
  EXPECT_EQ(d.app().info().snd_wnd, 900U);
  d.send(ACK, seq(4), ack(1), win(100));  // an old ACK
  EXPECT_EQ(d.app().info().snd_wnd, 900U);
  d.send(ACK, seq(1), ack(2), win(100), data("abc"));  // an old sequence number
  d.expect(ACK, ack(4));
  EXPECT_EQ(d.app().info().snd_wnd, 900U);
  d.send(ACK, seq(4), ack(2), win(2000));
  EXPECT_EQ(d.app().info().snd_wnd, 2000U);
}

}  // namespace sluice::script
