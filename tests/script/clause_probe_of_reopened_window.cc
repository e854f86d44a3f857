// SPDX-License-Identifier: BSD-3-Clause
// A lost window update is made good when the peer probes.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ProbeOfAReopenedWindowIsTaken) {
  Scene scene;
  scene.options.rcvbuf = 1000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().stop_reading();
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect(ACK, ack(1001), win(0));
  d.app().start_reading();
  d.expect(ACK, ack(1001), win(1000));  // lost
  d.send(ACK, seq(1001), ack(1), bytes(1));
  d.expect(ACK, ack(1002));
  EXPECT_TRUE(d.app().has_bytes(1001));
}

}  // namespace sluice::script
