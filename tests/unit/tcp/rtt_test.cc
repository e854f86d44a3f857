// SPDX-License-Identifier: BSD-3-Clause
// RFC 6298's arithmetic, and which acknowledgments it is fed from.
#include <cmath>

#include "base/rng.h"
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

TEST(Rtt, FirstSampleSetsSrttAndHalfAsVariance) {
  Tcb tcb;
  rtt_sample(tcb, 100'000);
  EXPECT_EQ(tcb.srtt_us8 / 8, 100'000U);
  EXPECT_EQ(tcb.rttvar_us4 / 4, 50'000U);
  EXPECT_EQ(base_rto_us(tcb), 300'000U);  // SRTT + 4 * RTTVAR
}

TEST(Rtt, FollowsTheRfcInRealNumbers) {
  Tcb tcb;
  Rng rng(7);
  double srtt = 0;
  double rttvar = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t sample = 50 + rng.below(i < 1000 ? 400'000 : 3'000);
    rtt_sample(tcb, sample);
    if (i == 0) {
      srtt = sample;
      rttvar = sample / 2.0;
    } else {
      rttvar = 0.75 * rttvar + 0.25 * std::abs(srtt - sample);
      srtt = 0.875 * srtt + 0.125 * sample;
    }
    ASSERT_NEAR(tcb.srtt_us8 / 8.0, srtt, 8.0) << i;
    ASSERT_NEAR(tcb.rttvar_us4 / 4.0, rttvar, 8.0) << i;
    const double rto = std::min(srtt + std::max(200e3, 4 * rttvar), 120e6);
    ASSERT_NEAR(base_rto_us(tcb), rto, 50.0) << i;
  }
}

TEST(Rtt, RtoIsOneSecondAtFirstAndBounded) {
  Tcb tcb;
  EXPECT_EQ(base_rto_us(tcb), 1'000'000U);
  rtt_sample(tcb, 10);
  EXPECT_EQ(base_rto_us(tcb), 200'010U);
  Tcb slow;
  rtt_sample(slow, 4'000'000'000U);
  EXPECT_EQ(base_rto_us(slow), 120'000'000U);
}

TEST(Rtt, BackOffDoublesUpToItsMaximum) {
  EXPECT_EQ(backed_off_us(200'000, 0, kRtoMaxUs), 200'000U);
  EXPECT_EQ(backed_off_us(200'000, 3, kRtoMaxUs), 1'600'000U);
  EXPECT_EQ(backed_off_us(200'000, 10, kRtoMaxUs), 120'000'000U);
  EXPECT_EQ(backed_off_us(200'000, 255, kRtoMaxUs), 120'000'000U);
}

// A queue as long as the path's product has doubled the round trip; SRTT has heard of it once.
TEST(Rtt, RtoLeavesRoomForAQueueThatFills) {
  Tcb tcb;
  for (int i = 0; i < 50; ++i) rtt_sample(tcb, 100'000);
  EXPECT_GE(base_rto_us(tcb), 300'000U);
  rtt_sample(tcb, 160'000);
  EXPECT_GT(base_rto_us(tcb), 300'000U);
}

TEST(Rtt, HandshakeGivesTheFirstSample) {
  Sender s;
  s.syn();
  s.advance(Duration::milliseconds(80));
  s.third(In{.wnd = 65535});
  EXPECT_NEAR(s.tcb.srtt_us8 / 8, 80'000, 200);
}

TEST(Rtt, ActiveHandshakeGivesTheFirstSample) {
  Sender s;
  s.open_actively();
  s.advance(Duration::milliseconds(30));
  s.arrive(In{.flags = kSyn | kAck, .seq = 0, .ack = 1, .mss = 1460});
  EXPECT_EQ(s.tcb.srtt_us8 / 8, 30'000U);
}

// Karn, and RFC 6298 5.7
TEST(Rtt, LostSynGivesNoSampleAndThreeSeconds) {
  Sender s;
  s.open_actively();
  s.pass(Duration::milliseconds(1100));
  s.arrive(In{.flags = kSyn | kAck, .seq = 0, .ack = 1, .mss = 1460});
  EXPECT_EQ(s.tcb.state, State::kEstablished);
  EXPECT_EQ(s.tcb.srtt_us8, 0U);
  EXPECT_EQ(rto_us(s.tcb), 3'000'000U);
  s.write(100);
  s.advance(Duration::milliseconds(40));
  s.ack(100);
  EXPECT_EQ(s.tcb.srtt_us8 / 8, 40'000U);
  EXPECT_EQ(rto_us(s.tcb), 240'000U);
}

TEST(Rtt, TimesOneSegmentARoundTripInMicroseconds) {
  Sender s;
  s.establish();
  s.tcb.srtt_us8 = 0;
  s.write(5000);
  s.advance(Duration::microseconds(1234));
  s.ack(1460);
  EXPECT_EQ(s.tcb.srtt_us8 / 8, 1234U);
}

TEST(Rtt, RetransmittedSegmentIsNotTimed) {
  Sender s;
  s.establish();
  s.write(100);
  const std::uint32_t srtt = s.tcb.srtt_us8;
  s.next_timer_ms();
  s.advance(Duration::milliseconds(5));
  s.ack(100);
  EXPECT_EQ(s.tcb.srtt_us8, srtt);
}

// What had arrived long before is acknowledged with the retransmission that it had waited for: neither is timed.
TEST(Rtt, WhatWaitedForARetransmissionIsNotTimed) {
  for (const bool sack : {false, true}) {
    SCOPED_TRACE(sack);
    Sender s;
    s.establish(65535, Offer{.sack = sack}, Duration::milliseconds(20));
    s.write(5 * 1460);
    s.advance(Duration::milliseconds(20));
    if (sack) {
      s.ack(0, {{1460, 2920}});  // reported, and forgotten by the timeout
    } else {
      s.ack(0);
    }
    while (s.counters.rto_timeouts < 2) s.next_timer_ms();
    s.advance(Duration::milliseconds(20));
    s.ack(5 * 1460);
    EXPECT_EQ(s.tcb.srtt_us8 / 8, 20'000U);
  }
}

TEST(Rtt, WhatWaitedForAFastRetransmissionIsNotTimed) {
  Sender s;
  s.establish(65535, Offer{}, Duration::milliseconds(20));
  s.write(5 * 1460);
  s.advance(Duration::milliseconds(20));
  for (int i = 0; i < 3; ++i) s.ack(0);
  s.advance(Duration::milliseconds(20));
  s.ack(5 * 1460);
  EXPECT_EQ(s.tcb.srtt_us8 / 8, 20'000U);
}

TEST(Rtt, EchoedTimestampMeasuresARetransmittedSegment) {
  Sender s;
  s.establish(65535, Offer{.tsval = static_cast<std::uint32_t>(s.now.ms())});
  s.write(100);
  s.next_timer_ms();
  const std::uint32_t tsval = s.sent.back().tsval;
  s.advance(Duration::milliseconds(400));
  s.tcb.srtt_us8 = 0;
  s.echo(tsval);
  s.ack(100);
  EXPECT_EQ(s.tcb.srtt_us8 / 8, 400'000U);
}

TEST(Rtt, EchoOfWhatWasNeverSentIsIgnored) {
  for (const std::uint32_t bogus : {0U, 0x80000000U, 1U}) {
    Sender s;
    s.establish(65535, Offer{.tsval = static_cast<std::uint32_t>(s.now.ms())});
    s.write(100);
    s.next_timer_ms();
    const std::uint32_t srtt = s.tcb.srtt_us8;
    s.echo(bogus == 1 ? s.sent.back().tsval + 1000 : bogus);  // from the future, or an age ago
    s.ack(100);
    EXPECT_EQ(s.tcb.srtt_us8, srtt) << bogus;
  }
}

}  // namespace
}  // namespace sluice::tcp
