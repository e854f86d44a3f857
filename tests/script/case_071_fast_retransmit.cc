// SPDX-License-Identifier: BSD-3-Clause
// Case 71: the third duplicate ACK brings the first hole again, the first two let new segments out (RFC 5681,
// RFC 3042).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ThreeDuplicateAcksRetransmitTheFirstHole) {
  Scene scene;
  scene.options.congestion_control = CongestionControl::kNewReno;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().send_bytes(20000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1));
  d.expect(ACK, seq(10001), bytes(1000));
  d.send(ACK, seq(1), ack(1));
  d.expect(ACK, seq(11001), bytes(1000));
  d.send(ACK, seq(1), ack(1));
  d.expect(ACK, seq(1), bytes(1000));
  d.expect_silence();
  // RFC 6582: a partial ACK brings the next hole, a full one ends recovery.
  d.send(ACK, seq(1), ack(1001));
  d.expect(ACK, seq(1001), bytes(1000));
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(12001));
  for (const Heard& h : d.peer().take()) EXPECT_GE(h.seq - d.peer().iss(), 12001U);
  EXPECT_EQ(d.app().info().ssthresh, 5000U);
}

}  // namespace sluice::script
