// SPDX-License-Identifier: BSD-3-Clause
// Case 79: slow start counts bytes (RFC 3465), eight segments an ACK at most (RFC 9406): few ACKs lose little, many gain
// nothing.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OneAckForManySegmentsGrowsTheWindowByEight) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(10000);
  EXPECT_EQ(d.peer().take().size(), 10U);
  EXPECT_EQ(d.app().info().cwnd, 10000U);
  d.send(ACK, seq(1), ack(10001));
  EXPECT_EQ(d.app().info().cwnd, 18000U);
}

TEST_P(Family, AckDivisionGainsNothing) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(10000);
  EXPECT_EQ(d.peer().take().size(), 10U);
  for (std::uint32_t i = 1; i <= 10; ++i) d.send(ACK, seq(1), ack(1 + 100 * i));
  EXPECT_EQ(d.app().info().cwnd, 11000U);
}

}  // namespace sluice::script
