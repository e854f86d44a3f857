// SPDX-License-Identifier: BSD-3-Clause
// Case 29: an MSS of 0 or next to nothing is not believed.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TinyMssIsClamped) {
  for (const std::uint32_t offered : {1U, 63U}) {
    Dialogue d(GetParam());
    d.send(SYN, seq(0), mss(offered));
    d.expect(SYN | ACK, seq(0), ack(1));
    d.send(ACK, seq(1), ack(1));
    d.app().send_bytes(128);
    d.expect(ACK, seq(1), bytes(64));
    d.expect(ACK, seq(65), bytes(64));
  }
}

TEST_P(Family, MssOfZeroIsNone) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(0));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  const std::uint32_t size = d.v4() ? 536 : 1220;
  d.app().send_bytes(size);
  d.expect(ACK, seq(1), bytes(size));
}

}  // namespace sluice::script
