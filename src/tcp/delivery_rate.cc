// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/delivery_rate.h"

#include <algorithm>

#include "base/modular.h"
#include "tcp/congestion.h"

namespace sluice::tcp::delivery {

namespace {

bool is_limited(const DeliveryRate& rate, unsigned stamp) noexcept { return (rate.limited_stamps >> stamp & 1U) != 0; }

// The last stamp that is not after `sent_us`; null when that one was overwritten.
const DeliveryRate::Stamp* stamp_of(const DeliveryRate& rate, std::uint32_t sent_us) noexcept {
  for (unsigned i = 0; i < rate.count; ++i) {
    const DeliveryRate::Stamp& stamp = rate.stamps[(rate.newest + DeliveryRate::kStamps - i) % DeliveryRate::kStamps];
    if (!before(sent_us, stamp.sent_us)) return &stamp;
  }
  return nullptr;
}

}  // namespace

// Draft 3.2
void sent(DeliveryRate& r, std::uint32_t now_us, std::uint32_t slot_us, bool idle) noexcept {
  if (idle) {
    r.first_sent_us = r.delivered_us = now_us;
    r.count = 0;
  }
  const bool recent = r.count != 0 && now_us - r.stamps[r.newest].sent_us <= slot_us;
  if (recent && is_limited(r, r.newest) == r.limited) return;
  r.newest = static_cast<std::uint8_t>((r.newest + 1U) % DeliveryRate::kStamps);
  if (r.count < DeliveryRate::kStamps) ++r.count;
  r.stamps[r.newest] = {now_us, r.delivered, r.delivered_us, r.first_sent_us};
  const std::uint32_t bit = 1U << r.newest;
  r.limited_stamps = r.limited ? r.limited_stamps | bit : r.limited_stamps & ~bit;
}

// Draft 3.3
RateSample acked(DeliveryRate& r, const AckSample& ack, std::uint32_t now_us, std::uint32_t min_rtt_us) noexcept {
  RateSample sample;
  r.delivered += ack.delivered;
  r.delivered_us = now_us;
  if (r.limited && before(r.app_limited, r.delivered)) r.limited = false;
  const DeliveryRate::Stamp* stamp = ack.dated ? stamp_of(r, ack.newest_us) : nullptr;
  if (stamp == nullptr) return sample;
  sample.limited = is_limited(r, static_cast<unsigned>(stamp - r.stamps));
  sample.prior_delivered = stamp->delivered;
  sample.delivered = r.delivered - stamp->delivered;
  sample.interval_us = std::max(ack.newest_us - stamp->first_sent_us, now_us - stamp->delivered_us);
  r.first_sent_us = ack.newest_us;
  sample.valid = sample.interval_us != 0 && sample.interval_us >= min_rtt_us && sample.delivered != 0;
  return sample;
}

void limit(DeliveryRate& r, std::uint32_t in_network) noexcept {
  r.limited = true;
  r.app_limited = r.delivered + in_network;
}

}  // namespace sluice::tcp::delivery
