// SPDX-License-Identifier: BSD-3-Clause
// Case 19: beyond the backlog SYNs are dropped; who is established feels nothing.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FullBacklogDropsSynsAndLeavesConnectionsAlone) {
  Scene scene;
  scene.backlog = 2;
  Dialogue d(GetParam(), scene);
  d.establish();
  Peer& second = d.add_peer(40001);
  Peer& third = d.add_peer(40002);
  Peer& fourth = d.add_peer(40003);
  for (Peer* peer : {&second, &third}) {
    peer->send(SYN, seq(0), mss(1000));
    peer->expect(SYN | ACK, seq(0), ack(1));
  }
  fourth.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenBacklogFull);
  d.expect_silence();
  d.send(ACK, seq(1), ack(1), data("still here"));
  d.expect(ACK, seq(1), ack(11));
  second.send(ACK, seq(1), ack(1));
  second.state_is(State::kEstablished);
  fourth.send(SYN, seq(0), mss(1000));  // there is room again
  fourth.expect(SYN | ACK, seq(0), ack(1));
}

}  // namespace sluice::script
