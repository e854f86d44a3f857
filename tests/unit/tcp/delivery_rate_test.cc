// SPDX-License-Identifier: BSD-3-Clause
// Delivery rate samples worked out by hand: times in us, segments of 1000 bytes.
#include "tcp/delivery_rate.h"

#include <gtest/gtest.h>

#include "tcp/congestion.h"

namespace sluice::tcp {
namespace {

AckSample ack_of(std::uint32_t bytes, std::uint32_t newest_us) {
  return AckSample{.acked = bytes, .delivered = bytes, .newest_us = newest_us, .dated = true};
}

// A segment a millisecond, each acknowledged 10 ms later: a byte a microsecond.
TEST(DeliveryRate, SteadyTrain) {
  DeliveryRate r;
  RateSample sample;
  for (std::uint32_t ms = 0; ms < 40; ++ms) {
    if (ms >= 10) sample = delivery::acked(r, ack_of(1000, (ms - 10) * 1000), ms * 1000, 0);
    delivery::sent(r, ms * 1000, 0, ms == 0);
  }
  EXPECT_TRUE(sample.valid);
  EXPECT_FALSE(sample.limited);
  EXPECT_EQ(sample.interval_us, 10'000U);
  EXPECT_EQ(sample.delivered, 10'000U);
}

// Acknowledgments that were held up and come together say nothing of a faster path: the segments took longer to send.
TEST(DeliveryRate, CompressedAcknowledgmentsCountTheTimeOfSending) {
  DeliveryRate r;
  for (std::uint32_t ms = 0; ms < 20; ++ms) delivery::sent(r, ms * 1000, 0, ms == 0);
  // Everything at once, at 20.0 ms; what was sent last has waited 1 ms.
  RateSample sample;
  for (std::uint32_t ms = 0; ms < 20; ++ms) sample = delivery::acked(r, ack_of(1000, ms * 1000), 20'000, 0);
  EXPECT_EQ(sample.delivered, 20'000U);
  EXPECT_EQ(sample.interval_us, 20'000U) << "not the 1 ms since the last segment left";
}

TEST(DeliveryRate, FasterThanTheRoundTripIsNoSample) {
  DeliveryRate r;
  delivery::sent(r, 0, 0, true);
  EXPECT_TRUE(delivery::acked(r, ack_of(1000, 0), 10'000, 10'000).valid);
  delivery::sent(r, 10'000, 0, true);
  EXPECT_FALSE(delivery::acked(r, ack_of(1000, 10'000), 15'000, 10'000).valid)
      << "the original's acknowledgment, taken for that of the retransmission";
}

TEST(DeliveryRate, APauseBelongsToNoInterval) {
  DeliveryRate r;
  delivery::sent(r, 0, 0, true);
  EXPECT_TRUE(delivery::acked(r, ack_of(1000, 0), 10'000, 0).valid);
  delivery::sent(r, 5'000'000, 0, true);
  EXPECT_EQ(delivery::acked(r, ack_of(1000, 5'000'000), 5'010'000, 0).interval_us, 10'000U);
}

// Samples are the application's while anything is outstanding that left before it had more to send.
TEST(DeliveryRate, LimitedUntilTheBubbleIsAcknowledged) {
  DeliveryRate r;
  delivery::sent(r, 0, 0, true);  // 2000 bytes
  delivery::limit(r, 2000);
  delivery::sent(r, 1000, 0, false);  // 1000 more, behind the bubble
  EXPECT_FALSE(delivery::acked(r, ack_of(2000, 0), 10'000, 0).limited) << "this left before";
  EXPECT_TRUE(r.limited);
  delivery::sent(r, 10'000, 0, false);
  EXPECT_TRUE(delivery::acked(r, ack_of(1000, 1000), 11'000, 0).limited);
  EXPECT_FALSE(r.limited) << "it is past";
  EXPECT_TRUE(delivery::acked(r, ack_of(1000, 10'000), 20'000, 0).limited);
  delivery::sent(r, 20'000, 0, true);
  EXPECT_FALSE(delivery::acked(r, ack_of(1000, 20'000), 30'000, 0).limited);
}

// What left between two stamps has the earlier one: fewer stamps than segments, and the rate is the same.
TEST(DeliveryRate, StampsAreASlotApart) {
  DeliveryRate r;
  RateSample sample;
  for (std::uint32_t ms = 0; ms < 60; ++ms) {
    if (ms >= 20) sample = delivery::acked(r, ack_of(1000, (ms - 20) * 1000), ms * 1000, 0);
    delivery::sent(r, ms * 1000, 5000, ms == 0);
    EXPECT_LE(r.count, 1 + ms / 6);
  }
  EXPECT_TRUE(sample.valid);
  EXPECT_EQ(sample.delivered * 1000U / sample.interval_us, 1000U);
  EXPECT_LE(sample.interval_us, 25'000U);
}

TEST(DeliveryRate, WhatHasNoStampAnyMoreGivesNoSample) {
  DeliveryRate r;
  for (std::uint32_t i = 0; i <= DeliveryRate::kStamps; ++i) delivery::sent(r, i * 1000, 0, i == 0);
  EXPECT_EQ(r.count, DeliveryRate::kStamps);
  EXPECT_FALSE(delivery::acked(r, ack_of(1000, 0), 50'000, 0).valid) << "overwritten";
  EXPECT_TRUE(delivery::acked(r, ack_of(1000, 1000), 50'000, 0).valid);
  EXPECT_EQ(r.delivered, 2000U) << "it counts all the same";
  EXPECT_FALSE(delivery::acked(r, AckSample{.delivered = 1000}, 50'000, 0).valid) << "a duplicate ACK dates nothing";
}

TEST(DeliveryRate, CountersWrap) {
  DeliveryRate r;
  r.delivered = UINT32_MAX - 500;
  delivery::sent(r, UINT32_MAX - 2000, 0, true);
  delivery::limit(r, 1000);
  const RateSample sample = delivery::acked(r, ack_of(1000, UINT32_MAX - 2000), 8000, 0);
  EXPECT_EQ(sample.delivered, 1000U);
  EXPECT_EQ(sample.interval_us, 10'001U);
  EXPECT_TRUE(r.limited);
  static_cast<void>(delivery::acked(r, ack_of(1, UINT32_MAX - 2000), 8000, 0));
  EXPECT_FALSE(r.limited);
}

}  // namespace
}  // namespace sluice::tcp
