// SPDX-License-Identifier: BSD-3-Clause
// Case 45: five segments in all 120 orders; bytes intact, SACK blocks newest first.
#include "script/dialogue.h"
#include <array>

namespace sluice::script {

TEST_P(Family, FiveSegmentsInAnyOrderArriveIntact) {
  Dialogue d(GetParam());
  std::array<std::uint32_t, 5> order{0, 1, 2, 3, 4};
  std::uint16_t port = 41000;
  do {
    Peer& peer = d.add_peer(port++);
    peer.establish(sack_permitted());
    std::vector<Block> held;  // newest first
    std::uint32_t rcv_nxt = 1;
    for (const std::uint32_t i : order) {
      Block block{1 + 100 * i, 101 + 100 * i};
      peer.send(ACK, seq(block.first), ack(1), bytes(100));
      const bool in_order = block.first == rcv_nxt;
      std::erase_if(held, [&](const Block& other) {
        if (other.second < block.first || other.first > block.second) return false;
        block = {std::min(block.first, other.first), std::max(block.second, other.second)};
        return true;
      });
      if (in_order) {
        rcv_nxt = block.second;
      } else {
        held.insert(held.begin(), block);
      }
      peer.expect(ACK, seq(1), ack(rcv_nxt), sack(held));
    }
    EXPECT_TRUE(peer.app().has_bytes(500));
  } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace sluice::script
