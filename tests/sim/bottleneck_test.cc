// SPDX-License-Identifier: BSD-3-Clause
// Does each algorithm fill a link, and do two flows share it? 20 Mbit/s, 40 ms round trip, a queue of the
// bandwidth-delay product (100 kB) unless said otherwise.
#include "sim/bottleneck.h"

#include <gtest/gtest.h>

#include <numeric>

namespace sluice::test {
namespace {

constexpr Instant seconds(std::int64_t s) { return Instant{s * 1'000'000'000}; }

NetworkConfig path() {
  NetworkConfig link;
  link.bits_per_second = 20'000'000;
  link.delay = Duration::milliseconds(20);
  link.buffer_bytes = 100'000;
  return link;
}

class Algorithm : public ::testing::TestWithParam<CongestionControl> {
 protected:
  [[nodiscard]] static NetworkConfig link() {
    NetworkConfig config = path();
    if (GetParam() == CongestionControl::kDctcp) config.mark_above = 30'000;
    return config;
  }
};

struct Share {
  std::vector<std::uint64_t> bytes;
  double utilisation;
};

// What each flow gets in [from, to) seconds.
Share measure(Bottleneck& net, const NetworkConfig& link, std::int64_t from, std::int64_t to) {
  net.run_until(seconds(from));
  const std::vector<std::uint64_t> before = net.received();
  net.run_until(seconds(to));
  Share share{net.received(), 0};
  for (std::size_t i = 0; i < before.size(); ++i) share.bytes[i] -= before[i];
  const double bits = 8.0 * static_cast<double>(std::accumulate(share.bytes.begin(), share.bytes.end(), std::uint64_t{0}));
  share.utilisation = bits / (static_cast<double>(link.bits_per_second) * static_cast<double>(to - from));
  EXPECT_EQ(net.broken(), nullptr) << net.broken();
  return share;
}

// Payload is 1448 of 1514 bytes: 0.956 is a full link.
TEST_P(Algorithm, AloneFillsTheLink) {
  Bottleneck net(link(), {{GetParam(), seconds(0)}});
  const Share share = measure(net, link(), 3, 20);
  RecordProperty("utilisation", std::to_string(share.utilisation));
  EXPECT_GT(share.utilisation, 0.85);
  EXPECT_LT(share.utilisation, 0.96);
}

TEST_P(Algorithm, TwoFlowsShareTheLink) {
  Bottleneck net(link(), {{GetParam(), seconds(0)}, {GetParam(), seconds(3)}});
  const Share share = measure(net, link(), 30, 90);
  RecordProperty("jain", std::to_string(jain(share.bytes)));
  EXPECT_GT(jain(share.bytes), 0.9) << share.bytes[0] << " and " << share.bytes[1];
  EXPECT_GT(share.utilisation, 0.85);
}

INSTANTIATE_TEST_SUITE_P(Each, Algorithm,
                         ::testing::Values(CongestionControl::kNewReno, CongestionControl::kCubic, CongestionControl::kDctcp,
                                           CongestionControl::kBbr),
                         [](const auto& one) { return std::string(congestion_control_name(one.param)); });

// An application that fills its buffer up a quarter at a time: paced, that fits into a queue of ten frames.
TEST_P(Algorithm, PacedFillsALinkWithAShortQueue) {
  NetworkConfig narrow = path();
  narrow.buffer_bytes = 15'000;
  double used[2];
  for (const bool pacing : {false, true}) {
    Bottleneck net(narrow, {{GetParam(), seconds(0), 131'072, pacing}});
    used[pacing ? 1 : 0] = measure(net, narrow, 3, 33).utilisation;
  }
  RecordProperty("burst", std::to_string(used[0]));
  RecordProperty("paced", std::to_string(used[1]));
  EXPECT_GT(used[1], 0.94);
  if (GetParam() != CongestionControl::kBbr) {  // which is paced in any case
    EXPECT_LT(used[0], 0.75);
  }
}

// RFC 9438 1: on a path with much in flight Reno needs minutes to use what CUBIC uses at once.
TEST(Cubic, UsesALongFatPathThatRenoDoesNot) {
  NetworkConfig link = path();
  link.bits_per_second = 15'000'000;
  link.delay = Duration::milliseconds(50);
  link.buffer_bytes = 20'000;
  double used[2];
  for (const CongestionControl algorithm : {CongestionControl::kNewReno, CongestionControl::kCubic}) {
    Bottleneck net(link, {{algorithm, seconds(0)}});
    used[algorithm == CongestionControl::kCubic ? 1 : 0] = measure(net, link, 5, 60).utilisation;
  }
  EXPECT_GT(used[1], used[0] * 1.05) << used[0] << " and " << used[1];
}

// A send buffer that holds more than the path does is enough to fill it: the application is woken while there is still
// something to send, and what it adds is no burst that overruns the queue.
TEST_P(Algorithm, ABufferLittleLargerThanThePathFillsTheLink) {
  NetworkConfig narrow = link();
  narrow.bits_per_second = 15'000'000;
  narrow.delay = Duration::milliseconds(50);
  Bottleneck net(narrow, {{GetParam(), seconds(0), 262'144}});
  const Share share = measure(net, narrow, 5, 35);
  RecordProperty("utilisation", std::to_string(share.utilisation));
  EXPECT_GT(share.utilisation, 0.8);
}

// With marks nothing needs to be lost.
TEST(Ecn, CubicIsHeldByMarksInsteadOfLosses) {
  NetworkConfig link = path();
  link.mark_above = 50'000;
  Bottleneck net(link, {{CongestionControl::kCubic, seconds(0)}}, {.ecn = true});
  net.run_until(seconds(5));
  const NetworkCounts before = net.counts();
  const Share share = measure(net, link, 5, 25);
  EXPECT_EQ(net.counts().overflowed, before.overflowed);
  EXPECT_GT(net.counts().marked, before.marked);
  EXPECT_GT(share.utilisation, 0.8);
}

double mean_queue_of(const NetworkCounts& before, const NetworkCounts& after) {
  return static_cast<double>(after.queued_bytes - before.queued_bytes) / static_cast<double>(after.sent - before.sent);
}

// A frame in a hundred is lost by chance: Reno takes each for congestion, BBR measures what gets through. With a queue of
// four times the path's product there is room for a standing queue, and BBR builds none.
TEST(Bbr, FillsALossyLinkThatRenoDoesNotAndKeepsItsQueueShort) {
  NetworkConfig link = path();
  link.loss = 10;
  link.buffer_bytes = 400'000;
  const auto lossy = [&](CongestionControl algorithm, double& queue) {
    Bottleneck net(link, {{algorithm, seconds(0)}});
    net.run_until(seconds(3));
    const NetworkCounts before = net.counts();
    const Share share = measure(net, link, 3, 33);
    queue = mean_queue_of(before, net.counts());
    return share.utilisation;
  };
  double queue = 0;
  double unused = 0;
  const double bbr = lossy(CongestionControl::kBbr, queue);
  const double reno = lossy(CongestionControl::kNewReno, unused);
  RecordProperty("utilisation", std::to_string(bbr));
  RecordProperty("reno", std::to_string(reno));
  RecordProperty("mean_queue_bytes", std::to_string(queue));
  EXPECT_GT(bbr, 0.9 * 0.956);
  EXPECT_LT(reno, 0.5);
  EXPECT_LT(queue, 100'000);
}

// Without losses too: CUBIC fills whatever queue there is.
TEST(Bbr, BuildsNoStandingQueue) {
  NetworkConfig link = path();
  link.buffer_bytes = 400'000;
  const auto mean_queue = [&](CongestionControl algorithm) {
    Bottleneck net(link, {{algorithm, seconds(0)}});
    net.run_until(seconds(5));
    const NetworkCounts before = net.counts();
    const Share share = measure(net, link, 5, 25);
    EXPECT_GT(share.utilisation, 0.9);
    return mean_queue_of(before, net.counts());
  };
  const double bbr = mean_queue(CongestionControl::kBbr);
  const double cubic = mean_queue(CongestionControl::kCubic);
  RecordProperty("bbr_queue", std::to_string(bbr));
  RecordProperty("cubic_queue", std::to_string(cubic));
  EXPECT_LT(bbr, 25'000);
  EXPECT_GT(cubic, 100'000);
}

// RFC 8257 1: the queue stays at the threshold where Reno fills it to the brim.
TEST(Dctcp, KeepsTheQueueShort) {
  NetworkConfig link = path();
  link.bits_per_second = 100'000'000;
  link.delay = Duration::microseconds(500);
  link.mark_above = 30'000;
  link.buffer_bytes = 200'000;
  const auto mean_queue = [&](CongestionControl algorithm) {
    Bottleneck net(link, {{algorithm, seconds(0)}, {algorithm, seconds(1)}});
    net.run_until(seconds(2));
    const NetworkCounts before = net.counts();
    const Share share = measure(net, link, 2, 12);
    EXPECT_GT(share.utilisation, 0.9);
    if (algorithm == CongestionControl::kDctcp) {
      EXPECT_GT(jain(share.bytes), 0.9);
    }
    return mean_queue_of(before, net.counts());
  };
  const double dctcp = mean_queue(CongestionControl::kDctcp);
  const double reno = mean_queue(CongestionControl::kNewReno);
  RecordProperty("mean_queue_bytes", std::to_string(dctcp));
  EXPECT_LT(dctcp, 30'000);
  EXPECT_GT(reno, 2 * dctcp);
}

}  // namespace
}  // namespace sluice::test
