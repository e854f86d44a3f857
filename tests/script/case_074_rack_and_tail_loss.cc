// SPDX-License-Identifier: BSD-3-Clause
// Case 74: what is reordered by less than the window is not sent again; a lost tail is asked for after about two
// round trips (RFC 8985).
#include "script/dialogue.h"

namespace sluice::script {

namespace {
// With a round trip of 100 ms.
void establish(Dialogue& d) {
  d.send(SYN, seq(0), mss(1000), sack_permitted());
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1));
}
// Three segments leave, and a round trip later the peer has the second.
void second_arrives_first(Dialogue& d) {
  establish(d);
  d.app().send_bytes(3000);
  for (std::uint32_t i = 0; i < 3; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1), sack({{1001, 2001}}));
}
}  // namespace

TEST_P(Family, ReorderingBelowTheWindowIsWaitedFor) {
  Dialogue d(GetParam());
  second_arrives_first(d);
  d.advance(20ms);
  d.expect_silence();
  d.send(ACK, seq(1), ack(3001));
  d.advance(1s);
  d.expect_silence();
}

TEST_P(Family, WhatIsMissingLongerIsSentAgain) {
  Dialogue d(GetParam());
  second_arrives_first(d);
  d.advance(30ms);
  d.expect(ACK, seq(1), bytes(1000));  // after a quarter of a round trip
  d.send(ACK, seq(1), ack(3001));
}

TEST_P(Family, LostTailIsProbedAfterTwoRoundTrips) {
  Dialogue d(GetParam());
  establish(d);
  d.app().send_bytes(4000);
  for (std::uint32_t i = 0; i < 4; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(2001));
  const std::uint32_t cwnd = d.app().info().cwnd;
  d.advance(195ms);
  d.expect_silence();
  d.advance(15ms);
  d.expect(ACK, seq(3001), bytes(1000));
  EXPECT_EQ(d.app().info().cwnd, cwnd);
  d.advance(100ms);
  d.send(ACK, seq(1), ack(2001), sack({{3001, 4001}}));  // the third was lost as well
  d.expect(ACK, seq(2001), bytes(1000));
  d.send(ACK, seq(1), ack(4001));
  d.advance(1s);
  d.expect_silence();
}

}  // namespace sluice::script
