// SPDX-License-Identifier: BSD-3-Clause
// Case 58: urgent data stays in line (RFC 6093), wherever the pointer points.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, UrgentPointerCostsNoByte) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK | URG, seq(1), ack(1), data("abc"), urgent(1));
  d.expect(ACK, ack(4));
  d.send(ACK | URG, seq(4), ack(1), data("def"), urgent(65535));
  d.expect(ACK, ack(7));
  d.send(ACK | URG, seq(7), ack(1), data("ghi"), urgent(0));
  d.expect(ACK, ack(10));
  EXPECT_EQ(d.app().received(), "abcdefghi");
}

}  // namespace sluice::script
