// SPDX-License-Identifier: BSD-3-Clause
// Pacing: the bucket's arithmetic, and a Reno connection with `pacing`, whose rate follows from cwnd and SRTT.
#include "tcp/pacing.h"

#include <vector>

#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

using pacing::Rate;

constexpr Params kPaced{.sndbuf = 1U << 20U, .congestion = CongestionControl::kNewReno, .pacing = true};
constexpr std::uint32_t kSegment = 1460;

TEST(PacingRate, ConvertsBothWays) {
  EXPECT_EQ(pacing::rate_of(1000, 1000), 65'536U) << "a byte a microsecond";
  EXPECT_EQ(pacing::bytes_in(pacing::rate_of(125'000, 1000), 250), 31'250U);
  EXPECT_EQ(pacing::us_for(pacing::rate_of(1460, 1000), 1460), 1001U) << "rounded up";
  EXPECT_EQ(pacing::rate_of(1, 0), 65'536U) << "no division by nothing";
  EXPECT_EQ(pacing::rate_of(std::uint64_t{1} << 40U, 1), UINT32_MAX);
}

TEST(PacingQuantum, IsTwoTicksOrASegment) {
  EXPECT_EQ(pacing::quantum(pacing::rate_of(1'000'000, 1'000'000), kSegment), kSegment);
  EXPECT_EQ(pacing::quantum(pacing::rate_of(50'000'000, 1'000'000), kSegment), 12'500U) << "400 Mbit/s for 250 us";
}

TEST(PacingBucket, FillsToItsDepthAndNoFurther) {
  const Rate rate = pacing::rate_of(10, 1);
  EXPECT_EQ(pacing::filled(0, 100, rate, kSegment), 1000);
  EXPECT_EQ(pacing::filled(-500, 100, rate, kSegment), 500);
  EXPECT_EQ(pacing::filled(0, 1'000'000, rate, kSegment), 5000) << "two quanta of 2500";
  EXPECT_EQ(pacing::filled(0, UINT32_MAX, UINT32_MAX, kSegment), static_cast<std::int32_t>(2 * ((65535U * 250) + 249)))
      << "nothing overflows";
  EXPECT_EQ(pacing::filled(14'600, 1000, rate, kSegment), 14'600) << "what the initial window put there stays";
}

// A sender in congestion avoidance with a window of 40 segments and a round trip of 20 ms: 1.2 times 58400 bytes in 20 ms.
class Avoiding : public Sender {
 public:
  static constexpr std::uint32_t kWindow = 40 * kSegment;
  Avoiding() : Sender(kPaced) {
    establish(1U << 20U, {.sack = true}, Duration::milliseconds(20));
    write(1);
    pass(Duration::milliseconds(20));
    ack(1);  // whatever the handshake and the initial window put into the bucket is of no interest
    tcb.cwnd = tcb.ssthresh = kWindow;
    settle();
  }
  [[nodiscard]] Rate rate() { return pacing::rate(tcb, env()); }
  [[nodiscard]] const CongestionState& state() const { return congestion[tcb.congestion]; }
  // Empties the bucket into the network.
  void drain_bucket() {
    write(200 * kSegment);
    settle();
  }
};

std::uint32_t bytes_of(const std::vector<OutSegment>& sent) {
  std::uint32_t sum = 0;
  for (const OutSegment& s : sent) sum += s.len;
  return sum;
}

TEST(Pacing, TheInitialWindowLeavesAtOnce) {
  Sender s(kPaced);
  s.establish(1U << 20U, {.sack = true}, Duration::milliseconds(20));
  s.write(100'000);
  EXPECT_EQ(bytes_of(s.sent), 14'600U);
}

TEST(Pacing, RateFollowsTheWindow) {
  Avoiding s;
  EXPECT_NEAR(s.rate(), pacing::rate_of(Avoiding::kWindow * 6 / 5, 20'000), 65'536 / 50);
  s.tcb.ssthresh = kNoSsthresh;
  EXPECT_NEAR(s.rate(), pacing::rate_of(Avoiding::kWindow * 2, 20'000), 65'536 / 50) << "twice in slow start";
}

TEST(Pacing, WhatTheBucketLacksWaitsForTheTick) {
  Avoiding s;
  s.drain_bucket();
  ASSERT_LT(s.state().credit, static_cast<std::int32_t>(kSegment));
  const auto lack = kSegment - static_cast<std::uint32_t>(s.state().credit);
  const Instant exact = s.now + Duration::microseconds(pacing::us_for(s.rate(), lack));
  EXPECT_EQ(s.tcb.t_delack, Tick::ceil(exact));
  s.now = Instant{(exact.ns / kTickNs) * kTickNs};
  if (s.now < exact) {  // a tick early: nothing
    s.turn();
    EXPECT_EQ(s.sent_text(), "");
  }
  s.now = exact;
  s.turn();
  EXPECT_EQ(bytes_of(s.sent), kSegment);
}

// In any interval no more than rate x time and the bucket's depth, and over a long one no less than the rate.
TEST(Pacing, NeverMoreThanRateTimesTimeAndTwoQuanta) {
  Avoiding s;
  s.drain_bucket();
  const Rate rate = s.rate();
  const std::uint32_t depth = pacing::depth(rate, kSegment);
  struct Sent {
    Instant at;
    std::uint32_t bytes;
  };
  std::vector<Sent> log;
  const Instant begin = s.now;
  while (s.now < begin + Duration::milliseconds(10)) {
    s.now = s.deadline();
    s.fire();
    log.push_back({s.now, bytes_of(s.sent)});
    s.settle();
  }
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    std::uint64_t sum = 0;
    for (std::size_t k = i; k < log.size(); ++k) {
      sum += log[k].bytes;
      const auto us = static_cast<std::uint64_t>((log[k].at - log[i].at).us());
      ASSERT_LE(sum, pacing::bytes_in(rate, us) + depth + 1) << "from " << i << " to " << k;
    }
    if (i == 0) all = sum;
  }
  EXPECT_GE(all + kSegment, pacing::bytes_in(rate, 9'500)) << "timers that are late by a tick cost nothing";
}

// Nothing else would: with nothing outstanding no other timer runs.
TEST(Pacing, AnAcknowledgmentOfOursLeavesTheReleaseArmed) {
  Avoiding s;
  s.tcb.quickacks = 8;
  while (s.state().credit >= static_cast<std::int32_t>(kSegment)) {
    s.write(kSegment);
    s.ack(s.nxt());
  }
  s.settle();
  s.write(kSegment);
  ASSERT_EQ(s.sent_text(), "");
  ASSERT_EQ(s.tcb.snd_nxt, s.tcb.snd_una);
  const Tick release = s.tcb.t_delack;
  ASSERT_TRUE(release.armed());
  s.peer_data("x", s.una());
  EXPECT_EQ(s.sent_text(), "a");
  EXPECT_EQ(s.tcb.t_delack, release);
  s.next_timer_ms();
  EXPECT_EQ(bytes_of(s.sent), kSegment);
}

// The loop was away for a while: what should have left meanwhile does, up to the bucket's depth.
TEST(Pacing, ALateReleaseCatchesUpByADepthAtMost) {
  Avoiding s;
  s.drain_bucket();
  s.advance(Duration::milliseconds(15));
  s.fire();
  EXPECT_LE(bytes_of(s.sent), pacing::depth(s.rate(), kSegment));
  EXPECT_GT(bytes_of(s.sent), pacing::quantum(s.rate(), kSegment));
}

// One timer serves both: a release that is due later than a delayed acknowledgment does not put it off, and the
// acknowledgment rides on the segment that is released first.
TEST(Pacing, DelayedAcknowledgmentRidesOnTheRelease) {
  Avoiding s;
  s.tcb.quickacks = 0;
  s.drain_bucket();
  const Tick release = s.tcb.t_delack;
  ASSERT_TRUE(release.armed());
  s.peer_data("x", s.una());
  EXPECT_EQ(s.tcb.t_delack, release) << "not 40 ms";
  EXPECT_EQ(s.sent_text(), "");
  s.now = s.deadline();
  s.fire();
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_GT(s.sent[0].len, 0U);
  EXPECT_EQ(s.sent[0].ack, s.tcb.rcv_nxt);
  EXPECT_EQ(s.tcb.flags & kAckDelayed, 0U);
}

TEST(Pacing, RetransmissionsArePacedToo) {
  Avoiding s;
  s.tcb.cwnd = 30 * kSegment;
  s.drain_bucket();
  while (in_flight(s.tcb) + kSegment <= s.tcb.cwnd) {
    s.now = s.deadline();
    s.fire();
  }
  s.pass(Duration::milliseconds(5));
  s.settle();
  // Twenty segments are lost at once.
  const std::uint32_t left = s.una() + 20 * kSegment;
  s.tcb.ssthresh = s.tcb.cwnd;
  s.ack(s.una(), {{left, left + 5 * kSegment}});
  s.pass(Duration::milliseconds(30));
  std::uint32_t again = 0;
  for (const OutSegment& seg : s.sent) again += seg.seq.before(Sender::first() + left) ? seg.len : 0;
  EXPECT_GT(again, 0U);
  EXPECT_GT(s.tcb.retransmits, 0U);
}

// Without `pacing` a window leaves in one burst, and no block is taken for it.
TEST(Pacing, OffByDefault) {
  Sender s(Params{.sndbuf = 1U << 20U, .congestion = CongestionControl::kNewReno});
  s.establish(1U << 20U, {.sack = true}, Duration::milliseconds(20));
  s.tcb.cwnd = 60 * kSegment;
  s.write(100 * kSegment);
  EXPECT_EQ(bytes_of(s.sent), 60 * kSegment);
  EXPECT_EQ(s.congestion.used(), 0U);
  EXPECT_FALSE(s.tcb.t_delack.armed());
}

TEST(Pacing, WithoutABlockNothingIsPaced) {
  Sender s(kPaced);
  while (s.congestion.take() != kNoIndex) {
  }
  s.establish(1U << 20U, {.sack = true}, Duration::milliseconds(20));
  s.tcb.cwnd = 60 * kSegment;
  s.write(100 * kSegment);
  EXPECT_EQ(bytes_of(s.sent), 60 * kSegment);
  EXPECT_GT(s.counters.congestion_blocks_exhausted, 0U);
  for (std::uint32_t i = 0; i < 4; ++i) s.congestion.give(i);
}

}  // namespace
}  // namespace sluice::tcp
