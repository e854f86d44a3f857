// SPDX-License-Identifier: BSD-3-Clause
// The congestion window: RFC 5681, 3465, 6928, as arithmetic and as it shows.
#include "tcp/cc_reno.h"

#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

constexpr Offer kThousand{.mss = 1000};

void acked(Tcb& tcb, std::uint32_t bytes, std::uint32_t flight) {
  reno::acked(tcb, AckSample{.acked = bytes, .flight = flight, .delivered = bytes});
}

// RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600))
TEST(Cwnd, InitialWindowIsTenSegmentsUpTo1460) {
  EXPECT_EQ(congestion::initial_window(536), 5360U);
  EXPECT_EQ(congestion::initial_window(1460), 14'600U);
  EXPECT_EQ(congestion::initial_window(2000), 14'600U);
  EXPECT_EQ(congestion::initial_window(8960), 17'920U);
}

TEST(Cwnd, InitialWindowOnTheWire) {
  Sender s;
  s.establish();
  s.write(50'000);
  EXPECT_EQ(s.sent.size(), 10U);
}

TEST(Cwnd, OneSegmentAfterTwoLostSyns) {
  for (const int losses : {0, 1, 2}) {
    Sender s;
    s.open_actively();
    for (int i = 0; i < losses; ++i) s.next_timer_ms();
    s.arrive(In{.flags = kSyn | kAck, .seq = 0, .ack = 1, .wnd = 65535, .mss = 1460});
    EXPECT_EQ(s.tcb.cwnd, losses > 1 ? 1460U : 14'600U) << losses;
  }
}

TEST(SlowStart, GrowsByBytesAcknowledgedUpToEightSegmentsAnAck) {
  Sender s;
  s.establish(65535, kThousand);
  s.write(60'000);
  s.ack(1000);
  EXPECT_EQ(s.tcb.cwnd, 11'000U);
  s.ack(3000);
  EXPECT_EQ(s.tcb.cwnd, 13'000U);
  s.ack(13'000);  // a stretch ACK
  EXPECT_EQ(s.tcb.cwnd, 21'000U);
}

// The late one of ten segments arrives; nine were reported, an ACK for each.
TEST(SlowStart, WhatWasReportedBeforeCountsWholeAtFirst) {
  Tcb tcb;
  tcb.mss = 1000;
  tcb.cwnd = 20'000;
  reno::acked(tcb, AckSample{.acked = 10'000, .flight = 20'000, .by_reports = 9000});
  EXPECT_EQ(tcb.cwnd, 30'000U);
  tcb.ssthresh = 60'000;
  reno::acked(tcb, AckSample{.acked = 10'000, .flight = 30'000, .by_reports = 9000});
  EXPECT_EQ(tcb.cwnd, 32'000U);
}

// With a threshold known, a burst of eight would be one into a network that had lost some.
TEST(SlowStart, AfterALossGrowsByTwoSegmentsAnAck) {
  Sender s;
  s.establish(65535, kThousand);
  s.tcb.ssthresh = 50'000;
  s.write(60'000);
  s.ack(8000);
  EXPECT_EQ(s.tcb.cwnd, 12'000U);
}

TEST(SlowStart, AckDivisionGainsNothing) {
  Sender s;
  s.establish(65535, kThousand);
  s.write(60'000);
  for (std::uint32_t upto = 10; upto <= 1000; upto += 10) s.ack(upto);
  EXPECT_EQ(s.tcb.cwnd, 11'000U);
}

TEST(SlowStart, OptimisticAckGainsNothing) {
  Sender s;
  s.establish(65535, kThousand);
  s.write(60'000);
  EXPECT_EQ(s.ack(10'001), Verdict::kAckTooHigh);
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
  EXPECT_EQ(s.una(), 0U);
}

TEST(SlowStart, OneSegmentAnAckAfterATimeout) {
  Sender s;
  s.establish(65535, kThousand);
  s.write(10'000);
  s.next_timer_ms();
  s.ack(3000);
  EXPECT_EQ(s.tcb.cwnd, 2000U);
}

// Of four and a half segments four are sent and acknowledged a round trip, and each opens the window by a quarter of one, or a fifth
// from five on. Exactly that gives 14,150 bytes after ten round trips; counted by all of the window it is 13,541.
TEST(CongestionAvoidance, AWindowWithAPartOfASegmentCountsWholeOnes) {
  Tcb tcb;
  tcb.mss = 1000;
  tcb.cwnd = tcb.ssthresh = 4500;
  for (int round_trip = 0; round_trip < 10; ++round_trip) {
    for (std::uint32_t left = tcb.cwnd / 1000; left != 0; --left) {
      tcb.snd_una += 1000;
      acked(tcb, 1000, tcb.cwnd / 1000 * 1000);
    }
  }
  EXPECT_NEAR(tcb.cwnd, 14'150, 50);
}

TEST(CongestionAvoidance, OneSegmentARoundTrip) {
  Tcb tcb;
  tcb.mss = 1000;
  tcb.cwnd = tcb.ssthresh = 20'000;
  const auto acks = [&](int number, std::uint32_t bytes) {
    for (int i = 0; i < number; ++i) {
      tcb.snd_una += bytes;
      acked(tcb, bytes, tcb.cwnd);
    }
  };
  acks(20, 1000);
  EXPECT_NEAR(tcb.cwnd, 21'000, 50);
  tcb.cwnd = 20'000;
  acks(10, 2000);
  EXPECT_NEAR(tcb.cwnd, 21'000, 50);
}

TEST(CongestionAvoidance, AckDivisionGainsNothing) {
  for (const std::uint32_t step : {1U, 7U, 16U, 999U, 1000U, 2000U}) {
    Tcb tcb;
    tcb.mss = 1000;
    tcb.cwnd = tcb.ssthresh = 20'000;
    tcb.snd_una = SeqNum(0xffff'f000U);
    for (std::uint32_t sum = step; sum <= 20'000; sum += step) {
      tcb.snd_una += step;
      acked(tcb, step, tcb.cwnd);
    }
    EXPECT_NEAR(tcb.cwnd, 21'000, 60) << "ACKs of " << step << " bytes";
  }
}

TEST(CongestionAvoidance, UnusedWindowDoesNotGrow) {
  Tcb tcb;
  tcb.mss = 1000;
  tcb.cwnd = tcb.ssthresh = 20'000;
  acked(tcb, 1000, 18'000);
  EXPECT_EQ(tcb.cwnd, 20'000U);
  acked(tcb, 1000, 19'000);
  EXPECT_GT(tcb.cwnd, 20'000U);
}

TEST(CongestionAvoidance, NeverStopsGrowingAndNeverOverflows) {
  Tcb tcb;
  tcb.mss = 64;
  tcb.cwnd = 1U << 20U;
  tcb.ssthresh = 1000;
  for (unsigned i = 0; i < 1U << 20U; ++i) {
    tcb.snd_una += 1;
    acked(tcb, 1, tcb.cwnd);
  }
  EXPECT_NEAR(tcb.cwnd, (1U << 20U) + 64, 16) << "a segment a window, counted by 16 bytes";
  tcb.cwnd = 1U << 30U;
  tcb.ssthresh = 0xffffffff;
  acked(tcb, 100'000, tcb.cwnd);
  EXPECT_EQ(tcb.cwnd, 1U << 30U);
}

// RFC 2861: a window that was not used is not validated
TEST(Cwnd, UnusedWindowDoesNotGrow) {
  Sender s(Params{.nodelay = true});
  s.establish(65535, kThousand);
  for (std::uint32_t i = 1; i <= 50; ++i) {
    s.write(100);
    s.ack(i * 100);
  }
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
}

TEST(Cwnd, RestartsAfterIdle) {
  Sender s;
  s.establish(65535, kThousand);
  s.write(60'000);
  for (std::uint32_t upto = 2000; upto <= 60'000; upto += 2000) s.ack(std::min(upto, s.nxt()));
  ASSERT_EQ(s.una(), 60'000U);
  const std::uint32_t grown = s.tcb.cwnd;
  ASSERT_GT(grown, 20'000U);
  s.advance(Duration::milliseconds(100));
  s.write(100);
  s.ack(60'100);
  EXPECT_EQ(s.tcb.cwnd, grown) << "not idle yet";
  s.advance(Duration::milliseconds(300));
  s.write(1000);
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
}

TEST(Cwnd, TimeoutHalvesOnceAndStartsOver) {
  Tcb tcb;
  tcb.mss = 1000;
  tcb.cwnd = 16'000;
  reno::timeout(tcb, 16'000, true);
  EXPECT_EQ(tcb.ssthresh, 8000U);
  EXPECT_EQ(tcb.cwnd, 1000U);
  reno::timeout(tcb, 1000, false);
  EXPECT_EQ(tcb.ssthresh, 8000U);
}

TEST(Cwnd, LossNeverHalvesBelowTwoSegments) {
  Tcb tcb;
  tcb.mss = 1000;
  tcb.cwnd = 3000;
  reno::loss(tcb, 3000);
  EXPECT_EQ(tcb.ssthresh, 2000U);
}

}  // namespace
}  // namespace sluice::tcp
