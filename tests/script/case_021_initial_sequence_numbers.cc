// SPDX-License-Identifier: BSD-3-Clause
// Case 21: ISNs follow a clock for one four-tuple and tell nothing about another's (RFC 6528).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, IssGrowsWithTimeAndDiffersBetweenTuples) {
  Dialogue d(GetParam());
  const auto iss_of = [&](Peer& peer) {
    peer.forget(peer.isn());
    peer.send(SYN, seq(0), mss(1000));
    peer.expect(SYN | ACK, seq(0), ack(1));
    const std::uint32_t iss = peer.iss();
    peer.send(RST, seq(1));
    return iss;
  };
  const std::uint32_t first = iss_of(d.peer());
  d.advance(1s);
  const std::uint32_t later = iss_of(d.peer());
  EXPECT_EQ(later - first, 250000U);  // a tick each 4 us
  Peer& neighbour = d.add_peer(40001);
  const std::uint32_t other = iss_of(neighbour);
  EXPECT_GT(std::min(other - later, later - other), 1000000U);
}

TEST_P(Family, IssDependsOnTheSecret) {
  Scene scene;
  Dialogue one(GetParam(), scene);
  scene.host.seed = 2;
  Dialogue two(GetParam(), scene);
  for (Dialogue* d : {&one, &two}) {
    d->send(SYN, seq(0), mss(1000));
    d->expect(SYN | ACK, seq(0), ack(1));
  }
  EXPECT_NE(one.peer().iss(), two.peer().iss());
}

}  // namespace sluice::script
