// SPDX-License-Identifier: BSD-3-Clause
// Figure 5: CLOSED to LISTEN and to SYN_SENT by OPEN, LISTEN to CLOSED by CLOSE.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, ListenAndCloseOfAListener) {
  Dialogue d(GetParam());
  d.state_is(State::kListen);
  Peer& half = d.add_peer(40001);
  half.send(SYN, seq(0), mss(1000));
  half.expect(SYN | ACK, seq(0), ack(1));
  d.touch();
  d.host().close(d.listener());
  d.step();
  half.expect(RST | ACK, seq(1), ack(1));  // whoever was half open is told
  EXPECT_EQ(d.stack().states()[static_cast<std::size_t>(State::kListen)], 0U);
  d.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kClosedReset);
  d.expect(RST | ACK, ack(1));
}

TEST_P(Family, ClosingAListenerLeavesItsConnections) {
  Dialogue d(GetParam());
  d.establish();
  d.touch();
  d.host().close(d.listener());
  d.step();
  d.send(ACK, data("still here"));
  d.expect(ACK, ack(11));
  d.state_is(State::kEstablished);
}

TEST_P(Family, ActiveOpenEntersSynSent) {
  const auto d = reach(GetParam(), State::kSynSent);
  EXPECT_EQ(d->stack().counters().mib.ActiveOpens, 1U);
}

}  // namespace sluice::script
