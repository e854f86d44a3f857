// SPDX-License-Identifier: BSD-3-Clause
// Case 28: without an MSS option a peer takes 536 bytes, over IPv6 1220.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, WithoutMssOptionSegmentsHaveTheDefaultSize) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  const std::uint32_t size = d.v4() ? 536 : 1220;
  d.app().send_bytes(2 * size + 10);
  d.expect(ACK, seq(1), bytes(size));
  d.expect(ACK, seq(1 + size), bytes(size));
  d.expect(ACK, seq(1 + 2 * size), bytes(10), push());
}

}  // namespace sluice::script
