// SPDX-License-Identifier: BSD-3-Clause
// Pacing, asked for or BBR's: the initial window leaves at once; afterwards two segments at the most leave together on
// a slow path, and each of the next waits for its time.
#include <algorithm>

#include "script/dialogue.h"

namespace sluice::script {

namespace {

constexpr auto kRoundTrip = 100ms;

// Ten segments have left, and are acknowledged a round trip later; ten more wait.
void acknowledge_the_initial_window(Dialogue& d) {
  d.send(SYN, mss(1000), wscale(4));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(kRoundTrip);
  d.send(ACK, seq(1), ack(1), win(60000));
  d.app().send_bytes(20'000);
  EXPECT_EQ(d.peer().take().size(), 10U) << "the initial window";
  d.advance(kRoundTrip);
  d.send(ACK, seq(1), ack(10'001), win(60000));
}

// What leaves within each of the next milliseconds.
std::vector<std::size_t> by_millisecond(Dialogue& d, int milliseconds) {
  std::vector<std::size_t> counts;
  for (int i = 0; i < milliseconds; ++i) {
    d.advance(1ms);
    counts.push_back(d.peer().take().size());
  }
  return counts;
}

}  // namespace

// Slow start's twice the window a round trip: 2 x 18,000 bytes in 100 ms, a segment in 2.8 ms.
TEST_P(Family, PacedSegmentsLeaveOneByOne) {
  Scene scene;
  scene.options.congestion_control = CongestionControl::kNewReno;
  scene.options.pacing = true;
  Dialogue d(GetParam(), scene);
  acknowledge_the_initial_window(d);
  EXPECT_EQ(d.peer().take().size(), 2U);
  const auto counts = by_millisecond(d, 40);
  EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 1U);
  EXPECT_EQ(std::count(counts.begin(), counts.begin() + 20, 1U), 7) << "at 2.8, 5.6, 8.3, 11.1, 13.9, 16.7 and 19.4 ms";
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1U), 8) << "and that was all";
  d.app().abort();
  d.peer().take();
}

// STARTUP: 2.9 times what was delivered, 10,000 bytes in 100 ms, a segment in 3.5 ms.
TEST_P(Family, BbrPacesByWhatWasDelivered) {
  Scene scene;
  scene.options.congestion_control = CongestionControl::kBbr;
  Dialogue d(GetParam(), scene);
  acknowledge_the_initial_window(d);
  EXPECT_EQ(d.peer().take().size(), 2U);
  const auto counts = by_millisecond(d, 40);
  EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 1U);
  EXPECT_EQ(std::count(counts.begin(), counts.begin() + 20, 1U), 5) << "at 3.5, 7.0, 10.4, 13.9 and 17.4 ms";
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1U), 8) << "and that was all";
  EXPECT_EQ(d.app().info().ssthresh, UINT32_MAX);
  EXPECT_EQ(d.app().info().cwnd, 20'000U) << "as much again as was delivered";
  d.app().abort();
  d.peer().take();
}

}  // namespace sluice::script
