// SPDX-License-Identifier: BSD-3-Clause
// The remote service's reset: every connection of a service ends at once, TIME_WAIT too.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ResetServiceForgetsEveryConnection) {
  Dialogue d(GetParam());
  Peer& half = d.add_peer(40001);
  Peer& waiting = d.add_peer(40002);
  d.establish();
  half.send(SYN, seq(0), mss(1000));
  half.expect(SYN | ACK, seq(0), ack(1));
  waiting.establish();
  waiting.app().close();
  waiting.expect(FIN | ACK, seq(1), ack(1));
  waiting.send(FIN | ACK, seq(1), ack(2));
  waiting.expect(ACK, seq(2), ack(2));
  d.touch();
  d.host().reset_service(d.service());
  d.step();
  d.expect(RST | ACK, seq(1), ack(1));
  half.expect(RST | ACK, seq(1), ack(1));
  d.expect_silence();
  EXPECT_EQ(d.host().leftover(), nullptr);
  waiting.forget(5);
  waiting.establish();
}

}  // namespace sluice::script
