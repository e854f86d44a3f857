// SPDX-License-Identifier: BSD-3-Clause
// While the engine drains new connections are refused, and half-open ones end.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, DrainingListenerRefuses) {
  Dialogue d(GetParam());
  d.establish();
  d.stack().start_drain();
  Peer& other = d.add_peer(40001);
  other.send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kListenerDraining);
  other.expect(RST | ACK, seq(0), ack(1));
  d.send(ACK, data("still served"));
  d.expect(ACK, ack(13));
}

}  // namespace sluice::script
