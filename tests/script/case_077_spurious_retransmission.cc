// SPDX-License-Identifier: BSD-3-Clause
// Case 77: what turns out to have been needless is undone: by timestamps (RFC 3522), by F-RTO (RFC 5682), by D-SACK
// (RFC 2883).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TimestampsUndoASpuriousTimeout) {
  Dialogue d(GetParam());
  d.establish(timestamps());
  d.app().send_bytes(4940);
  const std::vector<Heard> sent = d.peer().take();
  const std::uint32_t first = d.peer().ts_now();
  ASSERT_GE(sent.size(), 5U);
  const std::uint32_t echo = sent.front().tsval.value_or(0);
  d.advance(201ms);
  EXPECT_EQ(d.peer().take().size(), 1U);
  EXPECT_LT(d.app().info().cwnd, 2000U);
  d.send(ACK, seq(1), ack(1 + static_cast<std::uint32_t>(sent.front().data.size())), tsval(first + 1), tsecr(echo));
  EXPECT_GE(d.app().info().cwnd, 9000U);
  EXPECT_EQ(d.app().info().ssthresh, 0xffffffffU);
  d.expect_silence();  // what is outstanding is not lost
  d.send(ACK, seq(1), ack(4941), tsval(first + 2), tsecr(echo));
}

TEST_P(Family, FrtoUndoesASpuriousTimeout) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.app().send_bytes(30000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.advance(10ms);
  d.expect(ACK, seq(10001), bytes(1000));  // the probe
  d.advance(250ms);
  d.expect(ACK, seq(1), bytes(1000));
  d.send(ACK, seq(1), ack(1001));
  d.expect(ACK, seq(11001), bytes(1000));
  d.expect(ACK, seq(12001), bytes(1000));
  d.send(ACK, seq(1), ack(2001));
  EXPECT_GE(d.app().info().cwnd, 10000U);
  for (const Heard& h : d.peer().take()) EXPECT_GE(h.seq - d.peer().iss(), 13001U);
  d.send(ACK, seq(1), ack(13001));
  (void)d.peer().take();
}

TEST_P(Family, DsackUndoesASpuriousFastRetransmit) {
  Dialogue d(GetParam());
  d.establish(sack_permitted());
  d.app().send_bytes(30000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.send(ACK, seq(1), ack(1), sack({{1001, 5001}}));
  d.expect(ACK, seq(1), bytes(1000));
  (void)d.peer().take();
  EXPECT_LT(d.app().info().cwnd, 10000U);
  d.send(ACK, seq(1), ack(5001));  // the first one was late, not lost
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(5001), sack({{1, 1001}}));
  EXPECT_GE(d.app().info().cwnd, 10000U);
  (void)d.peer().take();
}

}  // namespace sluice::script
