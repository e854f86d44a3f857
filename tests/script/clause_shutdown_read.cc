// SPDX-License-Identifier: BSD-3-Clause
// What arrives for an application that reads no more is acknowledged and dropped.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextAfterShutdownReadIsAcknowledgedAndDropped) {
  Dialogue d(GetParam());
  d.establish();
  d.app().shutdown_read();
  d.send(ACK, seq(1), ack(1), bytes(1000));
  d.expect(ACK, seq(1), ack(1001), win(65535));
  EXPECT_EQ(d.app().received(), "");
  d.app().send("still sending");
  d.expect(ACK, seq(1), data("still sending"));
  d.app().close();
  d.expect(FIN | ACK, seq(14));
}

}  // namespace sluice::script
