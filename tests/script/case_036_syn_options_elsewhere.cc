// SPDX-License-Identifier: BSD-3-Clause
// Case 36: window scale, SACK-permitted and MSS count on a SYN only.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynOptionsOnOtherSegmentsAreIgnored) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(1), ack(1), win(1000), options({3, 3, 7, 4, 2, 2, 4, 0x00, 0x64, 1, 1, 1}));
  EXPECT_EQ(d.app().info().snd_wnd, 1000U);
  d.send(ACK, seq(11), ack(1), bytes(10));
  d.expect(ACK, seq(1), ack(1));  // without SACK
  d.app().send_bytes(1000);
  d.expect(ACK, seq(1), bytes(1000));
}

}  // namespace sluice::script
