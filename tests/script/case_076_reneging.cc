// SPDX-License-Identifier: BSD-3-Clause
// Case 76: after a timeout what SACK told is forgotten, for the peer may have thrown it away (RFC 2018 8).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, AfterATimeoutSackedSegmentsAreSentAgain) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.app().send_bytes(4000);
  for (std::uint32_t i = 0; i < 4; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.send(ACK, seq(1), ack(1), sack({{2001, 3001}}));
  d.advance(1ms);
  d.expect(ACK, seq(1), bytes(1000));  // no reordering would last that long
  d.advance(200ms);
  d.expect(ACK, seq(1), bytes(1000));
  d.send(ACK, seq(1), ack(1001));  // and of the rest it knows nothing
  d.expect(ACK, seq(1001), bytes(1000));
  d.expect(ACK, seq(2001), bytes(1000));
  d.send(ACK, seq(1), ack(3001));
  d.expect(ACK, seq(3001), bytes(1000));
  d.send(ACK, seq(1), ack(4001));
}

}  // namespace sluice::script
