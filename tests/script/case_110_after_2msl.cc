// SPDX-License-Identifier: BSD-3-Clause
// Case 110: after 2 MSL the four-tuple is free; the number of TIME_WAIT records is bounded.
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, AfterTwoMslTheTupleIsFree) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  d.advance(120s);
  d.peer().forget(d.peer().isn() - 100000);  // lower, and yet welcome
  d.establish();
  d.state_is(State::kEstablished);
}

TEST_P(Family, ManyTimeWaitsAreBounded) {
  Scene scene;
  scene.host.stack.max_connections = 16;
  Dialogue d(GetParam(), scene);
  for (std::uint16_t i = 0; i < 100; ++i) {
    Peer& peer = d.add_peer(static_cast<std::uint16_t>(41000 + i));
    peer.establish();
    peer.app().close();
    peer.expect(FIN | ACK, seq(1), ack(1));
    peer.send(FIN | ACK, seq(1), ack(2));
    peer.expect(ACK, seq(2), ack(2));
    EXPECT_LE(d.stack().slabs().time_waits.used(), 16U);
  }
  d.establish();  // and there is room for who comes next
  d.state_is(State::kEstablished);
  d.advance(120s);
  EXPECT_EQ(d.stack().slabs().time_waits.used(), 0U);
}

}  // namespace sluice::script
