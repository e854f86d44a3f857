// SPDX-License-Identifier: BSD-3-Clause
// HyStart++ by RFC 9406 4.2 and 4.3: rounds of acknowledgments with a round-trip time
// each; segments of 1000 bytes. And trains of acknowledgments.
#include "tcp/cc_hystart.h"

#include <gtest/gtest.h>

#include "tcp/cc_reno.h"

namespace sluice::tcp {
namespace {

class SlowStart {
 public:
  SlowStart() {
    tcb.mss = 1000;
    tcb.cwnd = 20'000;
    tcb.snd_nxt = tcb.snd_una + tcb.cwnd;
  }
  // All that is outstanding is acknowledged, a segment at a time, in `rtt_us`; what that frees is sent. An acknowledgment comes
  // `gap_us` after the other, the first a round trip after that of the round before; the segments were sent `sent_gap_us` apart.
  void round(std::uint32_t rtt_us, std::uint32_t samples = 8) {
    const SeqNum end = tcb.snd_nxt;
    const std::uint32_t began_us = now_us;
    for (std::uint32_t i = 0; tcb.snd_una.before(end) && tcb.ssthresh == kNoSsthresh; ++i) {
      tcb.snd_una += 1000;
      if (i != 0) now_us += i % pause_at == 0 ? 2'001 : gap_us;
      const AckSample sample{.acked = 1000, .flight = tcb.cwnd, .rtt_us = i < samples ? rtt_us : 0, .delivered = 1000,
                             .newest_us = began_us - rtt_us + (i == late_at ? 0 : i * sent_gap_us), .dated = true, .echoed = echoed};
      hystart::acked(tcb, state, sample, now_us);
      tcb.snd_nxt = tcb.snd_una + tcb.cwnd;
    }
    now_us = began_us + std::max(rtt_us, now_us - began_us);
  }
  [[nodiscard]] bool conservative() const { return state.css_rounds != 0; }
  [[nodiscard]] bool over() const { return tcb.cwnd >= tcb.ssthresh; }

  Tcb tcb;
  HyStart state;
  bool echoed = false;
  std::uint32_t gap_us = 0;
  std::uint32_t sent_gap_us = 0;
  std::uint32_t late_at = UINT32_MAX;   // this acknowledgment is of what was sent first
  std::uint32_t pause_at = UINT32_MAX;  // after so many acknowledgments a longer gap
  std::uint32_t now_us = 0xfffff000;
};

TEST(HyStart, DoublesWhileTheDelayStays) {
  SlowStart s;
  s.round(40'000);
  EXPECT_EQ(s.tcb.cwnd, 40'000U);
  s.round(40'000);
  EXPECT_EQ(s.tcb.cwnd, 80'000U);
  EXPECT_FALSE(s.conservative());
}

// RttThresh = max(4 ms, min(last / 8, 16 ms))
TEST(HyStart, ThresholdIsAnEighthWithinFourAndSixteenMilliseconds) {
  struct {
    std::uint32_t last_us, thresh_us;
  } const cases[] = {{10'000, 4'000}, {40'000, 5'000}, {80'000, 10'000}, {400'000, 16'000}};
  for (const auto& c : cases) {
    SlowStart below;
    below.round(c.last_us);
    below.round(c.last_us + c.thresh_us - 1);
    EXPECT_FALSE(below.conservative()) << c.last_us;
    SlowStart at;
    at.round(c.last_us);
    at.round(c.last_us + c.thresh_us);
    EXPECT_TRUE(at.conservative()) << c.last_us;
  }
}

TEST(HyStart, SevenSamplesProveNothing) {
  SlowStart s;
  s.round(40'000);
  s.round(90'000, 7);
  EXPECT_FALSE(s.conservative());
}

// 40 segments, eight samples before the delay is believed: 40 + 8, then the other 32 count a quarter: 56. Each
// further round adds a quarter; the fifth, of which the rest of the first counts as one, ends slow start.
TEST(HyStart, ConservativeSlowStartGrowsByAQuarterForFiveRounds) {
  SlowStart s;
  s.round(40'000);
  s.round(60'000);
  EXPECT_TRUE(s.conservative());
  EXPECT_EQ(s.tcb.cwnd, 56'000U);
  std::uint32_t cwnd = s.tcb.cwnd;
  for (int round = 2; round <= 5; ++round) {
    EXPECT_FALSE(s.over()) << round;
    s.round(60'000);
    EXPECT_NEAR(s.tcb.cwnd, cwnd + cwnd / 4, cwnd / 40) << round;
    cwnd = s.tcb.cwnd;
  }
  EXPECT_TRUE(s.over());
  EXPECT_EQ(s.tcb.ssthresh, cwnd);
}

TEST(HyStart, ASpikeIsForgiven) {
  SlowStart s;
  s.round(40'000);
  s.round(60'000);
  ASSERT_TRUE(s.conservative());
  s.round(41'000);
  EXPECT_FALSE(s.conservative());
  const std::uint32_t cwnd = s.tcb.cwnd;
  s.round(41'000);
  EXPECT_EQ(s.tcb.cwnd, 2 * cwnd);
}

TEST(HyStart, ARoundOfLongAgoIsOver) {
  SlowStart s;
  s.round(40'000);
  s.round(40'000);
  s.state.window_end = s.tcb.snd_una - 0x80000001U;  // as 2 GB later
  s.round(40'000);
  s.round(60'000);
  EXPECT_TRUE(s.conservative());
}

// RFC 9406 4.2: a stretch ACK opens the window by eight segments at most.
TEST(HyStart, StretchAcksCountEightSegments) {
  SlowStart s;
  s.tcb.snd_una += 10'000;
  hystart::acked(s.tcb, s.state, AckSample{.acked = 10'000, .flight = 20'000, .rtt_us = 1000, .delivered = 10'000}, 0);
  EXPECT_EQ(s.tcb.cwnd, 28'000U);
}

// A late segment arrives: what lay behind it was reported, an ACK for each.
TEST(HyStart, WhatWasReportedBeforeCountsWhole) {
  SlowStart s;
  s.tcb.snd_una += 18'000;
  hystart::acked(s.tcb, s.state, AckSample{.acked = 18'000, .flight = 20'000, .by_reports = 17'000, .rtt_us = 1000}, 0);
  EXPECT_EQ(s.tcb.cwnd, 38'000U);
}

// A round trip of 40 ms at 2,500 segments a second: of 20, 40 and then 80 segments. The third round's train lasts 20.5 ms, half a
// round trip and some slack, when 53 have been acknowledged, and its window is 133.
TEST(HyStart, ATrainOfHalfARoundTripEndsIt) {
  SlowStart s;
  s.gap_us = 400;
  s.sent_gap_us = 200;
  s.round(40'000);
  s.round(40'000);
  EXPECT_FALSE(s.over());
  s.round(40'000);
  EXPECT_TRUE(s.over());
  EXPECT_EQ(s.tcb.ssthresh, 133'000U);
}

// What an application or pacing spread comes as it was sent: that is not the path.
TEST(HyStart, ATrainThatWasSentAsOneTellsNothing) {
  for (const std::uint32_t sent_gap_us : {400U, 267U, 266U}) {
    SlowStart s;
    s.gap_us = 400;
    s.sent_gap_us = sent_gap_us;
    for (int round = 0; round < 4; ++round) s.round(40'000);
    EXPECT_EQ(s.over(), sent_gap_us == 266) << "one and a half times as long";
  }
}

// The train's last acknowledgment is of a segment that was late: it was not sent last.
TEST(HyStart, WhatIsLateDoesNotShortenTheSending) {
  SlowStart s;
  s.gap_us = 400;
  s.sent_gap_us = 400;
  s.late_at = 60;
  for (int round = 0; round < 4; ++round) s.round(40'000);
  EXPECT_FALSE(s.over());
}

// Echoed timestamps may make a round trip look shorter by a millisecond.
TEST(HyStart, TrainsAreNotHeldAgainstEchoes) {
  SlowStart s;
  s.gap_us = 400;
  s.echoed = true;
  for (int round = 0; round < 4; ++round) s.round(40'000);
  EXPECT_FALSE(s.over());
}

// Where a round trip is a millisecond, acknowledgments half of one apart are no train.
TEST(HyStart, TwoBunchesAreNoTrain) {
  SlowStart s;
  s.gap_us = 10;
  for (int round = 0; round < 2; ++round) s.round(1'000);
  s.tcb.cwnd = 40'000;
  s.tcb.snd_nxt = s.tcb.snd_una + s.tcb.cwnd;
  for (std::uint32_t i = 0; i < 20; ++i) {
    s.now_us += i == 10 ? 1'100 : 1;
    s.tcb.snd_una += 1000;
    const AckSample sample{.acked = 1000, .flight = s.tcb.cwnd, .rtt_us = 1'000, .delivered = 1000, .dated = true};
    hystart::acked(s.tcb, s.state, sample, s.now_us);
    s.tcb.snd_nxt = s.tcb.snd_una + s.tcb.cwnd;
  }
  EXPECT_FALSE(s.over());
}

TEST(HyStart, AGapBeginsAnotherTrain) {
  SlowStart s;
  s.gap_us = 400;
  s.pause_at = 50;
  for (int round = 0; round < 4; ++round) s.round(40'000);
  EXPECT_FALSE(s.over());
}

// Where a path is always full, a round's train begins with the round.
TEST(HyStart, ATrainIsOfOneRound) {
  SlowStart s;
  s.gap_us = 400;
  for (int round = 0; round < 2; ++round) s.round(40'000);
  s.now_us -= 40'000 - 16'000;  // the next follows at once
  for (std::uint32_t i = 0; i < 50; ++i) {
    s.now_us += 400;
    s.tcb.snd_una += 1000;
    hystart::acked(s.tcb, s.state, {.acked = 1000, .flight = s.tcb.cwnd, .delivered = 1000, .newest_us = 0, .dated = true}, s.now_us);
    s.tcb.snd_nxt = s.tcb.snd_una + s.tcb.cwnd;
  }
  EXPECT_FALSE(s.over());
}

TEST(HyStart, FewSegmentsAreNoTrain) {
  SlowStart s;
  s.tcb.cwnd = 4000;
  s.tcb.snd_nxt = s.tcb.snd_una + s.tcb.cwnd;
  s.gap_us = 2'000;
  s.round(10'000);
  EXPECT_FALSE(s.over());
  s.round(10'000);
  EXPECT_EQ(s.tcb.ssthresh, 16'000U) << "from sixteen on";
}

}  // namespace
}  // namespace sluice::tcp
