// SPDX-License-Identifier: BSD-3-Clause
// Case 44: an echo reduces the window once a round trip, and CWR on the next new text says so (RFC 3168 6.1.2).
#include "script/ecn.h"

namespace sluice::script {

TEST_P(Family, EchoHalvesTheWindowOnceARoundTrip) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.app().send_bytes(60'000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000), ect());
  d.send(ACK | ECE, seq(1), ack(1001));
  EXPECT_EQ(d.app().info().ssthresh, 5000U);
  EXPECT_EQ(d.app().info().cwnd, 5000U);
  d.expect_silence();
  for (std::uint32_t upto = 2001; upto <= 5001; upto += 1000) d.send(ACK | ECE, seq(1), ack(upto));
  EXPECT_EQ(d.app().info().cwnd, 5000U) << "echoes of the same window neither reduce nor grow it";
  d.expect_silence();
  d.send(ACK | ECE, seq(1), ack(6001));
  d.expect(ACK | CWR, seq(10001), bytes(1000), ect());
  d.send(ACK, seq(1), ack(7001));
  d.expect(ACK, seq(11001), bytes(1000), ect());
  d.send(ACK, seq(1), ack(10001));
  for (std::uint32_t at = 12001; at <= 14001; at += 1000) d.expect(ACK, seq(at), bytes(1000), ect());
  d.peer().take();
  const std::uint32_t cwnd = d.app().info().cwnd;
  d.send(ACK | ECE, seq(1), ack(11001));
  EXPECT_LT(d.app().info().cwnd, cwnd) << "a new round trip";
  d.peer().take();
}

// CWR goes with the text behind what was outstanding: the ACK of the last byte before it echoes yet.
TEST_P(Family, EchoesUntilThePeerHearsCwrAreOne) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.app().send_bytes(60'000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000), ect());
  for (std::uint32_t upto = 1001; upto <= 5001; upto += 1000) d.send(ACK | ECE, seq(1), ack(upto));
  d.expect_silence();
  d.send(ACK | ECE, seq(1), ack(6001));
  d.expect(ACK | CWR, seq(10001), bytes(1000), ect());
  for (std::uint32_t upto = 7001; upto <= 10001; upto += 1000) d.send(ACK | ECE, seq(1), ack(upto));
  EXPECT_EQ(d.app().info().ssthresh, 5000U);
  for (std::uint32_t at = 11001; at <= 14001; at += 1000) d.expect(ACK, seq(at), bytes(1000), ect());
  d.send(ACK, seq(1), ack(11001));
  EXPECT_EQ(d.app().info().ssthresh, 5000U);
  d.peer().take();
}

TEST_P(Family, CubicAnswersAnEchoBySevenTenths) {
  Dialogue d(GetParam(), with_ecn(CongestionControl::kCubic));
  establish_with_ecn(d);
  d.app().send_bytes(60'000);
  EXPECT_EQ(d.peer().take().size(), 10U);
  d.send(ACK | ECE, seq(1), ack(1001));
  EXPECT_EQ(d.app().info().ssthresh, 7000U);
}

TEST_P(Family, EchoWithoutAgreementMeansNothing) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(60'000);
  EXPECT_EQ(d.peer().take().size(), 10U);
  d.send(ACK | ECE, seq(1), ack(1001));
  EXPECT_EQ(d.app().info().ssthresh, 4294967295U);
  for (const Heard& h : d.peer().take()) EXPECT_EQ(h.flags & CWR, 0U);
}

TEST_P(Family, TimeoutIsAnsweredWithCwrToo) {
  Dialogue d(GetParam(), with_ecn());
  establish_with_ecn(d);
  d.app().send_bytes(1000);
  d.expect(ACK, seq(1), bytes(1000), ect());
  d.advance(700ms);
  EXPECT_GT(d.peer().take().size(), 0U);
  d.send(ACK, seq(1), ack(1001));
  d.app().send_bytes(100);
  d.expect(ACK | CWR, seq(1001), bytes(100), ect());
}

}  // namespace sluice::script
