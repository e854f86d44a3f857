// SPDX-License-Identifier: BSD-3-Clause
// Case 128: large segments vanish and no router says why: smaller ones, and later larger ones again (RFC 4821, 8899).
#include <algorithm>
#include <map>

#include "script/dialogue.h"

namespace sluice::script {

namespace {

std::uint32_t base_mss(const Dialogue& d) { return d.v4() ? 1024 : 1220; }

// A path that takes payloads up to `most` and says nothing; the peer acknowledges in order what passed.
void carry(Dialogue& d, std::uint32_t most, std::uint32_t& received) {
  for (;;) {
    const auto all = d.peer().take();
    if (all.empty()) return;
    bool news = false;
    for (const Heard& h : all) {
      const std::uint32_t at = h.seq - d.peer().iss();
      const auto len = static_cast<std::uint32_t>(h.data.size());
      if (len == 0 || len > most) continue;
      news = true;
      if (at <= received && at + len > received) received = at + len;
    }
    if (news) d.send(ACK, seq(1), ack(received));
  }
}

void carry_for(Dialogue& d, std::chrono::milliseconds time, std::uint32_t most, std::uint32_t& received) {
  for (auto left = time; left > 0ms; left -= 20ms) {
    d.advance(20ms);
    carry(d, most, received);
  }
}

}  // namespace

TEST_P(Family, LargeSegmentsThatGoUnansweredShrink) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(2 * d.our_mss());
  std::uint32_t received = 1;
  carry_for(d, 4s, base_mss(d), received);
  EXPECT_EQ(received, 1 + 2 * d.our_mss());
  d.app().send_bytes(3000);
  d.expect(ACK, seq(received), bytes(base_mss(d)));
  (void)d.peer().take();
}

TEST(OverIpv4, SegmentsShrinkFurtherWhileNothingPasses) {
  Dialogue d(Ip::kV4);
  d.establish(mss(1460));
  d.app().send_bytes(2000);
  std::uint32_t received = 1;
  carry_for(d, 20s, 300, received);
  EXPECT_EQ(received, 2001U);
}

TEST_P(Family, SmallSegmentsAreNotToBlame) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(500);
  d.advance(10s);
  for (const Heard& h : d.peer().take()) EXPECT_EQ(h.data.size(), 500U);
  d.send(ACK, seq(1), ack(501));
  d.app().send_bytes(d.our_mss());
  d.expect(ACK, seq(501), bytes(d.our_mss()));
}

namespace {
struct Way {
  std::uint32_t most = 10'000;  // payload that passes
  unsigned lose_every = 0;      // of those that would pass, one in so many is lost
  bool tells = false;           // the router says what passes when something does not
};

// Bulk data to `peer` for `rounds` of 10 ms over such a path; the largest segment of the last second.
std::size_t bulk(Dialogue& d, Peer& peer, int rounds, Way way, std::uint32_t& received) {
  std::size_t largest = 0;
  unsigned passed = 0;
  std::map<std::uint32_t, std::uint32_t> ahead;  // of a gap: where it begins and ends
  for (int i = 0; i < rounds; ++i) {
    d.advance(10ms);
    (void)peer.app().send_bytes(20'000);
    for (const Heard& h : peer.take()) {
      const std::uint32_t at = h.seq - peer.iss();
      const auto len = static_cast<std::uint32_t>(h.data.size());
      if (i >= rounds - 100) largest = std::max<std::size_t>(largest, len);
      if (len > way.most) {
        if (way.tells) d.send_too_big(static_cast<std::uint16_t>(way.most + (d.v4() ? 40 : 60)), at);
        continue;
      }
      if (way.lose_every != 0 && len <= base_mss(d) && ++passed % way.lose_every == 0) continue;
      ahead[at] = std::max(ahead[at], at + len);
      while (!ahead.empty() && ahead.begin()->first <= received) {
        received = std::max(received, ahead.begin()->second);
        ahead.erase(ahead.begin());
      }
      if (!ahead.empty()) peer.send(ACK, seq(1), ack(received), win(8000));
    }
    peer.send(ACK, seq(1), ack(received), win(8000));
  }
  (void)peer.take();
  return largest;
}
std::size_t bulk(Dialogue& d, int rounds, Way way, std::uint32_t& received) { return bulk(d, d.peer(), rounds, way, received); }

// The largest segment of a new connection's first flight, all of which is acknowledged.
std::size_t first_flight(Dialogue& d, Peer& peer) {
  peer.establish(mss(d.our_mss()));
  const std::uint32_t sent = 3 * d.our_mss();
  (void)peer.app().send_bytes(sent);
  std::size_t largest = 0;
  for (const Heard& h : peer.take()) largest = std::max(largest, h.data.size());
  peer.send(ACK, seq(1), ack(1 + sent));
  (void)peer.take();
  return largest;
}
}  // namespace

TEST_P(Family, AProbeFindsTheWayBackUp) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(2 * d.our_mss());
  d.advance(3s);  // an outage, no black hole
  (void)d.peer().take();
  std::uint32_t received = 1;
  EXPECT_LT(bulk(d, 300, {10'000}, received), d.our_mss());
  EXPECT_EQ(bulk(d, 1200, {10'000}, received), d.our_mss());
}

// Segments are lost all the time, but the probe was not among them.
TEST_P(Family, OtherLossesAreNotHeldAgainstAProbe) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(2 * d.our_mss());
  d.advance(3s);
  (void)d.peer().take();
  std::uint32_t received = 1;
  EXPECT_EQ(bulk(d, 1500, {.lose_every = 150}, received), d.our_mss());
  EXPECT_EQ(first_flight(d, d.add_peer(40001)), d.our_mss());
  (void)d.peer().take();
}

// The router says what passes: no need to lose probe after probe for it.
TEST_P(Family, ARouterThatNamesTheSizeSparesProbes) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(2 * d.our_mss());
  std::uint32_t received = 1;
  const std::uint32_t most = d.our_mss() - 100;
  carry_for(d, 4s, most, received);
  (void)bulk(d, 2500, {.most = most, .tells = true}, received);
  EXPECT_LE(d.counter("path_mtu_probes") - d.counter("path_mtu_raised"), 2U) << "one was lost, and one may be under way";
  EXPECT_GT(bulk(d, 500, {.most = most, .tells = true}, received), most - 32);
  (void)d.peer().take();
}

TEST_P(Family, ALostProbeIsSentAgainInSmallerSegments) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(2 * d.our_mss());
  std::uint32_t received = 1;
  const std::uint32_t most = d.our_mss() - 100;
  carry_for(d, 5s, most, received);
  (void)bulk(d, 1000, {most}, received);
  const std::uint32_t before = received;
  const std::size_t found = bulk(d, 3000, {most}, received);  // half a minute: some probes are lost, some pass
  EXPECT_LE(found, most);
  EXPECT_GT(found, base_mss(d) + 32);
  EXPECT_GT(received - before, 3000U * 4000) << "and the transfer goes on";
  (void)d.peer().take();
}

// What a search found is known to those who come after, an outage is not held against the path, and who began small looks
// for more when the word is old.
TEST_P(Family, NewConnectionsKnowOfABlackHoleThatAProbeProved) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(2 * d.our_mss());
  std::uint32_t received = 1;
  const std::uint32_t most = d.our_mss() - 100;
  carry_for(d, 4s, most, received);
  EXPECT_EQ(first_flight(d, d.add_peer(40001)), d.our_mss()) << "silence alone proves nothing";
  const std::size_t found = bulk(d, 3000, {most}, received);
  Peer& second = d.add_peer(40002);
  EXPECT_EQ(first_flight(d, second), found);
  EXPECT_EQ(first_flight(d, d.add_peer(40003, d.peer_address(9))), d.our_mss()) << "another destination";
  d.advance(601s);
  std::uint32_t heard = 1 + 3 * d.our_mss();
  EXPECT_EQ(bulk(d, second, 1500, {10'000}, heard), d.our_mss()) << "the hole is gone";
  EXPECT_EQ(first_flight(d, d.add_peer(40004)), d.our_mss());
  (void)d.peer().take();  // what it sent last went unanswered
}

TEST_P(Family, AConnectionThatBeganSmallGrowsWhenTheWordIsOld) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(d.our_mss());
  (void)d.peer().take();
  d.send_too_big(1300, 1);
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(1 + d.our_mss()));
  Peer& next = d.add_peer(40001);
  EXPECT_EQ(first_flight(d, next), 1300U - (d.v4() ? 40 : 60));
  d.advance(590s);
  std::uint32_t received = 1 + 3 * d.our_mss();
  EXPECT_EQ(bulk(d, next, 500, {10'000}, received), 1300U - (d.v4() ? 40 : 60));
  EXPECT_EQ(bulk(d, next, 1500, {10'000}, received), d.our_mss());
}

}  // namespace sluice::script
