// SPDX-License-Identifier: BSD-3-Clause
// How fast what is sent arrives (draft-cheng-iccrg-delivery-rate-estimation-02): bytes
// delivered between the acknowledgment that was the last one when a segment left and
// the segment's own, over the longer of the time that took and the time it took to send
// them. The draft keeps four numbers with every segment; here those are stamps, a few a round trip, and a
// segment's is the last one before it left. So the send map is as it is without. Pure functions.
#pragma once

#include <cstdint>

#include "base/seq_num.h"

namespace sluice::tcp {

struct AckSample;

// A connection's. Names without a prefix are the draft's C.*, a Stamp's its P.*. Bytes and times are modulo 2^32.
struct DeliveryRate {
  static constexpr unsigned kStamps = 32;
  static constexpr unsigned kSlots = 16;  // a round trip: stamps lie so far apart, and two round trips are covered
  struct Stamp {
    std::uint32_t sent_us, delivered, delivered_us, first_sent_us;
  };

  std::uint32_t delivered = 0;       // bytes
  std::uint32_t delivered_us = 0;    // when that grew last
  std::uint32_t first_sent_us = 0;   // when what was sent last of that was sent
  std::uint32_t app_limited = 0;     // with `limited`: it ends when `delivered` is beyond this
  std::uint32_t limited_stamps = 0;  // a bit a stamp: the application had sent too little before
  bool limited = false;
  std::uint8_t newest = 0;           // index of the last stamp
  std::uint8_t count = 0;
  Stamp stamps[kStamps];
};

struct RateSample {
  bool valid = false;                // the rest means something
  bool limited = false;              // the application's rate rather than the path's
  std::uint32_t prior_delivered = 0;
  std::uint32_t delivered = 0;       // bytes in
  std::uint32_t interval_us = 0;
};

namespace delivery {

// Something left; `idle`: nothing was outstanding before. Stamps are `slot_us` apart.
void sent(DeliveryRate& rate, std::uint32_t now_us, std::uint32_t slot_us, bool idle) noexcept;
// An acknowledgment. Intervals shorter than `min_rtt_us` say that an original was taken for its retransmission.
[[nodiscard]] RateSample acked(DeliveryRate& rate, const AckSample& ack, std::uint32_t now_us, std::uint32_t min_rtt_us) noexcept;
// The application leaves the path unused, `in_network` bytes being in it: samples until those are delivered say so.
void limit(DeliveryRate& rate, std::uint32_t in_network) noexcept;

}  // namespace delivery
}  // namespace sluice::tcp
