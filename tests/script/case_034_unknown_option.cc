// SPDX-License-Identifier: BSD-3-Clause
// Case 34: an unknown option is skipped, a second MSS does no harm.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, UnknownAndRepeatedOptionsAreSkipped) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), options({254, 4, 0xab, 0xcd, 2, 4, 3, 0xe8}));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(1000);
  d.expect(ACK, seq(1), bytes(1000));
}

TEST_P(Family, OptionsBehindAnUnknownOneCount) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), options({253, 6, 1, 2, 3, 4, 2, 4, 0x02, 0x58}));  // MSS 600
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(600);
  d.expect(ACK, seq(1), bytes(600));
}

}  // namespace sluice::script
