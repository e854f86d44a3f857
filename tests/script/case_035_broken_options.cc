// SPDX-License-Identifier: BSD-3-Clause
// Case 35: where an option's length is 0, 1, past the end or cut off, parsing stops and the SYN is answered
// all the same.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, BrokenOptionsDoNotSpoilTheSyn) {
  Dialogue d(GetParam());
  std::uint16_t port = 41000;
  for (const auto& raw :
       {options({2, 0, 5, 0xb4}), options({2, 1, 5, 0xb4}), options({2, 40, 5, 0xb4}), options({1, 1, 1, 2}),
        options({1, 1, 3, 3}), options({8, 10, 0, 0}), options({0, 2, 4, 9}), options({255, 0, 0, 0})}) {
    Peer& peer = d.add_peer(port++);
    peer.send(SYN, seq(0), raw);
    peer.expect(SYN | ACK, seq(0), ack(1));
    peer.send(ACK, seq(1), ack(1), raw);
    peer.state_is(State::kEstablished);
  }
}

TEST_P(Family, OptionsBeforeTheBrokenOneCount) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(700), options({3, 0, 7, 1}));
  d.expect(SYN | ACK, seq(0), ack(1));  // and no window scale
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(700);
  d.expect(ACK, seq(1), bytes(700));
}

}  // namespace sluice::script
