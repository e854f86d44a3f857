// SPDX-License-Identifier: BSD-3-Clause
// Case 126: a router tells of a smaller MTU: smaller segments, and what was too large again at once (RFC 1191, 8201).
#include "script/dialogue.h"

namespace sluice::script {

namespace {
constexpr std::uint32_t kMtu = 1300;
std::uint32_t path_mss(const Dialogue& d) { return kMtu - (d.v4() ? 40 : 60); }
}  // namespace

TEST_P(Family, SmallerMtuRetransmitsAtOnceInSmallerSegments) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  const std::uint32_t full = d.our_mss();
  const std::uint32_t small = path_mss(d);
  d.app().send_bytes(full);
  d.expect(ACK, seq(1), bytes(full));
  d.send_too_big(kMtu, 1);
  d.verdict_is(Verdict::kIcmpErrorHandled);
  d.expect(ACK, seq(1), bytes(small));
  d.expect(ACK, seq(1 + small), bytes(full - small));
  d.send_too_big(kMtu, 1);  // the router says it of every segment: once is enough
  d.verdict_is(Verdict::kIcmpErrorIgnored);
  d.expect_silence();
  d.send(ACK, seq(1), ack(1 + full));
  d.app().send_bytes(2 * small);
  d.expect(ACK, seq(1 + full), bytes(small));
  d.expect(ACK, seq(1 + full + small), bytes(small));
}

TEST_P(Family, SmallerMtuIsNoCongestion) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(6 * d.our_mss());
  const std::uint32_t cwnd = d.app().info().cwnd;
  (void)d.peer().take();
  d.send_too_big(kMtu, 1);
  EXPECT_EQ(d.app().info().cwnd, cwnd);
  for (const Heard& h : d.peer().take()) EXPECT_LE(h.data.size(), path_mss(d));
}

TEST_P(Family, SegmentsThatFitAreNotSentAgain) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(500);
  d.expect(ACK, seq(1), bytes(500));
  d.send_too_big(kMtu, 1);
  d.expect_silence();
  d.send(ACK, seq(1), ack(501));
  d.app().send_bytes(2 * path_mss(d));
  d.expect(ACK, seq(501), bytes(path_mss(d)));
  d.expect(ACK, bytes(path_mss(d)));
}

TEST_P(Family, NewConnectionsKnowThePathForTenMinutes) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(d.our_mss());
  (void)d.peer().take();
  d.send_too_big(kMtu, 1);
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(1 + d.our_mss()));
  d.advance(599s);
  Peer& next = d.add_peer(40001);
  next.establish(mss(d.our_mss()));
  next.app().send_bytes(2 * path_mss(d));
  next.expect(ACK, seq(1), bytes(path_mss(d)));
  next.expect(ACK, bytes(path_mss(d)));
  next.send(ACK, seq(1), ack(1 + 2 * path_mss(d)));
  Peer& other = d.add_peer(40002, d.peer_address(9));
  other.establish(mss(d.our_mss()));
  other.app().send_bytes(d.our_mss() + 1);
  other.expect(ACK, seq(1), bytes(d.our_mss()));  // another destination
  other.send(ACK, seq(1), ack(1 + d.our_mss()));
  other.expect(ACK, bytes(1));
  other.send(ACK, seq(1), ack(2 + d.our_mss()));
  d.advance(2s);
  Peer& late = d.add_peer(40003);
  late.establish(mss(d.our_mss()));
  late.app().send_bytes(d.our_mss() + 1);
  late.expect(ACK, seq(1), bytes(d.our_mss()));
  late.send(ACK, seq(1), ack(1 + d.our_mss()));
  late.expect(ACK, bytes(1));
}

}  // namespace sluice::script
