// SPDX-License-Identifier: BSD-3-Clause
// The bad wire does to frames what it was asked for, and nothing else.
#include "support/impair/line.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

#include "unit/support/carry.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kFrames = 20'000;

TEST(Line, AGoodLineDelaysAndKeepsOrderAndBytes) {
  Line line({.delay_ns = 20 * kMs}, 1, kFrames, 2048);
  const auto got = carry(line, every(1000, kFrames));
  ASSERT_EQ(got.size(), kFrames);
  for (std::uint32_t n = 0; n < kFrames; ++n) {
    ASSERT_EQ(got[n].bytes, numbered(n));
    ASSERT_EQ(got[n].at, n * 1000 + 20 * kMs);
  }
  EXPECT_EQ(line.counts().no_slot, 0U);
}

TEST(Line, JitterKeepsTheOrder) {
  Line line({.delay_ns = kMs, .jitter_ns = kMs}, 1, kFrames, 2048);
  const auto got = carry(line, every(1000, kFrames));
  ASSERT_EQ(got.size(), kFrames);
  for (std::uint32_t n = 0; n < kFrames; ++n) {
    ASSERT_EQ(number_of(got[n].bytes), n);
    ASSERT_GE(got[n].at, n * 1000 + kMs);
  }
}

TEST(Line, LosesTheShareItIsAskedFor) {
  Line line({.loss_ppm = 3 * kPercent}, 1, 16, 2048);
  const auto got = carry(line, every(1000, kFrames));
  EXPECT_EQ(got.size() + line.counts().lost, kFrames);
  EXPECT_NEAR(static_cast<double>(line.counts().lost), 0.03 * kFrames, 0.005 * kFrames);
}

TEST(Line, DoublesAndReorders) {
  Line line({.duplicate_ppm = 2 * kPercent, .reorder_ppm = 5 * kPercent, .reorder_by_ns = 10'000}, 1, 1024, 2048);
  const auto got = carry(line, every(1000, kFrames));
  std::map<std::uint32_t, unsigned> times;
  std::uint64_t behind = 0;
  std::uint32_t highest = 0;
  for (const Timed& g : got) {
    const std::uint32_t n = number_of(g.bytes);
    ++times[n];
    if (n < highest) ++behind;
    highest = std::max(highest, n);
    EXPECT_LE(g.at, n * 1000 + 20'002);
  }
  EXPECT_EQ(times.size(), kFrames) << "none lost";
  EXPECT_EQ(got.size(), kFrames + line.counts().duplicated);
  EXPECT_NEAR(static_cast<double>(line.counts().duplicated), 0.02 * kFrames, 0.005 * kFrames);
  EXPECT_NEAR(static_cast<double>(line.counts().reordered), 0.05 * kFrames, 0.01 * kFrames);
  EXPECT_GT(behind, kFrames / 50);
}

TEST(Line, SpoilsOneByteBehindTheEthernetHeader) {
  Line line({.corrupt_ppm = 10 * kPercent}, 1, 16, 2048);
  const auto got = carry(line, every(1000, kFrames));
  ASSERT_EQ(got.size(), kFrames);
  std::uint64_t spoilt = 0;
  for (std::uint32_t n = 0; n < kFrames; ++n) {
    const Bytes right = numbered(n);
    unsigned wrong = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (right[i] == got[n].bytes[i]) continue;
      ++wrong;
      EXPECT_GE(i, 14U);
    }
    EXPECT_LE(wrong, 1U);
    spoilt += wrong;
  }
  EXPECT_EQ(spoilt, line.counts().corrupted);
  EXPECT_NEAR(static_cast<double>(spoilt), 0.1 * kFrames, 0.01 * kFrames);
}

TEST(Line, AtALimitedRateFramesWaitAndThenThereIsNoRoom) {
  // 1000 bytes at 8 Mbit/s take 1 ms; ten of them may wait.
  Line line({.rate_bps = 8'000'000, .buffer_bytes = 10'000}, 1, 64, 2048);
  const auto got = carry(line, every(kMs / 2, 1000, 1000));
  EXPECT_EQ(got.size() + line.counts().overflowed, 1000U);
  EXPECT_NEAR(static_cast<double>(got.size()), 510, 5);
  for (std::size_t i = 1; i < got.size(); ++i) ASSERT_EQ(got[i].at - got[i - 1].at, kMs);
}

TEST(Line, ConnectionsOfDifferentLanesDoNotShareARate) {
  for (const bool v4 : {true, false}) {
    Line line({.rate_bps = 8'000'000, .buffer_bytes = 10'000, .lanes = 2}, 1, 64, 2048);
    line.take(segment(40000, 80, v4), 0);
    line.take(segment(40002, 80, v4), 0);  // the first one's lane
    line.take(segment(40001, 80, v4), 0);
    std::array<Line::Leaving, 8> out;
    ASSERT_EQ(line.arrived(out, kMs), 2U);
    EXPECT_EQ(out[1].data[(v4 ? 34 : 54) + 1], 40001 % 256);
    EXPECT_EQ(line.arrived(out, 2 * kMs), 1U);
  }
}

// The frames with this source port that are lost, by their number, of 1,000 of each of the ports, which come in turns.
std::vector<unsigned> lost_of(std::uint16_t port, const std::vector<std::uint16_t>& ports) {
  Line line({.loss_ppm = 5 * kPercent, .reorder_ppm = 5 * kPercent, .lanes = 4}, 7, 64, 2048);
  std::vector<unsigned> lost;
  for (unsigned n = 0; n < 1000; ++n) {
    for (const std::uint16_t each : ports) {
      const std::uint64_t before = line.counts().lost;
      line.take(segment(each, 80, true), n * kMs);
      if (each == port && line.counts().lost != before) lost.push_back(n);
    }
    std::array<Line::Leaving, 64> out;
    for (const Line::Leaving& frame : std::span(out).first(line.arrived(out, n * kMs))) line.done(frame);
  }
  return lost;
}

// So that two senders who are compared lose the same frames, whatever goes on beside them.
TEST(Line, WhatALaneLosesDependsOnNoOtherLane) {
  const auto alone = lost_of(40000, {40000});
  EXPECT_NEAR(static_cast<double>(alone.size()), 50, 25);
  EXPECT_EQ(lost_of(40000, {40001, 40000, 40003}), alone);
  EXPECT_NE(lost_of(40001, {40001, 40000, 40003}), alone);
}

TEST(Line, CountsWhatItHasNoRoomFor) {
  Line line({.delay_ns = kMs}, 1, 4, 200);
  for (std::uint32_t n = 0; n < 6; ++n) line.take(numbered(n), 0);
  line.take(numbered(6, 201), 0);
  EXPECT_EQ(line.counts().no_slot, 2U);
  EXPECT_EQ(line.counts().too_long, 1U);
  EXPECT_TRUE(line.balanced());
  std::array<Line::Leaving, 8> out;
  EXPECT_EQ(line.arrived(out, kMs - 1), 0U);
  EXPECT_EQ(line.arrived(out, kMs), 4U);
}

TEST(Line, NeighboursAlwaysFindEachOther) {
  Line line({.loss_ppm = kMillion}, 1, 8, 2048);
  Bytes arp = numbered(0);
  arp[13] = 0x06;
  Bytes solicitation = numbered(0);
  solicitation[12] = 0x86;
  solicitation[13] = 0xdd;
  solicitation[20] = 58;
  solicitation[54] = 135;
  Bytes tcp = solicitation;
  tcp[20] = 6;
  for (const Bytes& frame : {arp, solicitation, tcp}) line.take(frame, 0);
  std::array<Line::Leaving, 8> out;
  EXPECT_EQ(line.arrived(out, 0), 2U);
  EXPECT_EQ(line.counts().lost, 1U);
}

TEST(Line, TheSameSeedDoesTheSame) {
  const Impairment bad{.jitter_ns = kMs, .loss_ppm = kPercent, .duplicate_ppm = kPercent, .corrupt_ppm = kPercent, .reorder_ppm = kPercent};
  const auto run = [&](std::uint64_t seed) {
    Line line(bad, seed, 8192, 2048);
    return carry(line, every(1000, 5000));
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace sluice::test
