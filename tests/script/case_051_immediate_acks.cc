// SPDX-License-Identifier: BSD-3-Clause
// Case 51: an ACK at once for what is out of order, and for what fills the gap (RFC 5681 4.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OutOfOrderAndFillingSegmentsAreAcknowledgedAtOnce) {
  Scene scene;
  scene.options.quickack = false;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.send(ACK, seq(101), ack(1), bytes(100));
  d.expect(ACK, seq(1), ack(1), after(0ms));
  d.send(ACK, seq(201), ack(1), bytes(100));
  d.expect(ACK, seq(1), ack(1), after(0ms));
  d.send(ACK, seq(1), ack(1), bytes(50));  // fills a part only
  d.expect(ACK, seq(1), ack(51), after(0ms));
  d.send(ACK, seq(51), ack(1), bytes(50));
  d.expect(ACK, seq(1), ack(301), after(0ms));
}

}  // namespace sluice::script
