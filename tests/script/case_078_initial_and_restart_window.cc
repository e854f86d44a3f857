// SPDX-License-Identifier: BSD-3-Clause
// Case 78: ten segments at first (RFC 6928), and again after idling (RFC 5681 4.1).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, InitialWindowIsTenSegments) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(50000);
  EXPECT_EQ(d.peer().take().size(), 10U);
}

TEST_P(Family, AfterIdlingTheWindowRestarts) {
  Dialogue d(GetParam());
  d.establish();
  std::uint32_t end = 1;
  for (int round = 0; round < 6; ++round) {
    d.app().send_bytes(20000);
    while (end < 1 + 20000U * static_cast<unsigned>(round + 1)) {
      for (const Heard& h : d.peer().take()) {
        end = static_cast<std::uint32_t>(h.seq - d.peer().iss() + h.data.size());
        d.send(ACK, seq(1), ack(end));
      }
    }
  }
  EXPECT_GE(d.app().info().cwnd, 20000U);
  d.advance(5s);
  d.app().send_bytes(40000);
  EXPECT_EQ(d.peer().take().size(), 10U);
}

}  // namespace sluice::script
