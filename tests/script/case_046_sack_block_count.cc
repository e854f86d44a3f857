// SPDX-License-Identifier: BSD-3-Clause
// Case 46: three SACK blocks fit beside timestamps, four without.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, FourSackBlocksWithoutTimestamps) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  for (const std::uint32_t left : {11U, 31U, 51U, 71U}) {
    d.send(ACK, seq(left), ack(1), bytes(10));
    (void)d.peer().take();
  }
  d.send(ACK, seq(91), ack(1), bytes(10));
  d.expect(ACK, seq(1), ack(1), sack({{91, 101}, {71, 81}, {51, 61}, {31, 41}}));
}

TEST_P(Family, ThreeSackBlocksWithTimestamps) {
  Dialogue d(GetParam());
  d.establish(sack_permitted(), timestamps());
  for (const std::uint32_t left : {11U, 31U, 51U}) {
    d.send(ACK, seq(left), ack(1), bytes(10));
    (void)d.peer().take();
  }
  d.send(ACK, seq(71), ack(1), bytes(10));
  d.expect(ACK, seq(1), ack(1), sack({{71, 81}, {51, 61}, {31, 41}}));
}

}  // namespace sluice::script
