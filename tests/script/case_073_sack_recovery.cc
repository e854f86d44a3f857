// SPDX-License-Identifier: BSD-3-Clause
// Case 73: with SACK only the holes are sent again, in order (RFC 6675).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, OnlyTheHolesAreRetransmitted) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.app().send_bytes(10000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.send(ACK, seq(1), ack(1), sack({{1001, 2001}}));
  d.send(ACK, seq(1), ack(1), sack({{1001, 3001}}));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1), sack({{4001, 5001}, {1001, 3001}}));
  d.expect(ACK, seq(1), bytes(1000));
  std::vector<std::uint32_t> again;
  for (std::uint32_t right = 6001; right <= 10001; right += 1000) {
    d.send(ACK, seq(1), ack(1), sack({{4001, right}, {1001, 3001}}));
    for (const Heard& h : d.peer().take()) again.push_back(h.seq - d.peer().iss());
  }
  EXPECT_EQ(again, std::vector<std::uint32_t>{3001});
  d.send(ACK, seq(1), ack(3001), sack({{4001, 10001}}));
  d.expect_silence();
  d.send(ACK, seq(1), ack(10001));
  d.advance(1s);
  d.expect_silence();
}

TEST_P(Family, RecoveryKeepsThePipeWithinTheWindow) {
  Scene scene;
  scene.options.congestion_control = CongestionControl::kNewReno;
  Dialogue d(GetParam(), scene);
  d.establish(sack_permitted());
  d.app().send_bytes(30000);
  EXPECT_EQ(d.peer().take().size(), 10U);
  // The first five are lost: the window is halved, so that not all of them go out at once.
  d.send(ACK, seq(1), ack(1), sack({{5001, 10001}}));
  std::uint32_t sent = 0;
  std::uint32_t expected = 1;
  for (const Heard& h : d.peer().take()) {
    EXPECT_EQ(h.seq - d.peer().iss(), expected);
    expected += 1000;
    sent += static_cast<std::uint32_t>(h.data.size());
  }
  EXPECT_GE(sent, 1000U);
  EXPECT_LE(sent, d.app().info().cwnd);
  EXPECT_EQ(d.app().info().cwnd, 5000U);
}

}  // namespace sluice::script
