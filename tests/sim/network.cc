// SPDX-License-Identifier: BSD-3-Clause
#include "sim/network.h"

#include <optional>

#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"

namespace sluice::test {

bool mark_congestion(std::vector<std::uint8_t>& frame) {
  if (frame.size() < 34) return false;
  const std::uint16_t type = wire::load_be16(&frame[12]);
  if (type == wire::kEtherTypeIpv4 && (frame[15] & wire::kEcnMask) != 0) {
    frame[15] |= wire::kEcnCe;
    wire::store_be16(&frame[24], 0);
    wire::store_checksum(&frame[24], wire::sum_bytes(&frame[14], wire::kIpv4Header));
    return true;
  }
  if (type == wire::kEtherTypeIpv6 && (frame[15] >> 4U & wire::kEcnMask) != 0) {
    frame[15] = static_cast<std::uint8_t>(frame[15] | wire::kEcnCe << 4U);
    return true;
  }
  return false;
}

bool Network::partitioned(Instant now) noexcept {
  if (config_.partition_every.ns == 0) return false;
  while (now >= partition_ends_) {
    const auto gap = static_cast<std::int64_t>(rng_.next() % static_cast<std::uint64_t>(2 * config_.partition_every.ns));
    partition_begins_ = partition_ends_ + Duration{gap};
    partition_ends_ = partition_begins_ + config_.partition_for;
  }
  return now >= partition_begins_;
}

void Network::fly(int to, std::vector<std::uint8_t> bytes, Instant at) {
  flying_.emplace(std::pair{at, order_++}, Delivery{to, std::move(bytes)});
}

void Network::send(int to, std::vector<std::uint8_t> bytes, Instant now) {
  ++counts_.sent;
  RateLimiter& bottleneck = bottlenecks_[static_cast<std::size_t>(to)];
  const std::uint64_t queued = bottleneck.backlog(now.ns);
  counts_.queued_bytes += queued;
  const bool above = config_.mark_above != 0 && queued > config_.mark_above;
  if ((above || (config_.mark != 0 && rng_.per_mille(config_.mark))) && mark_congestion(bytes)) ++counts_.marked;
  const std::optional<std::int64_t> left_ns = bottleneck.leaves_ns(bytes.size(), now.ns);
  if (!left_ns) {
    ++counts_.overflowed;
    return;
  }
  Instant at = Instant{*left_ns} + config_.delay;
  if (now >= config_.calm_after) return fly(to, std::move(bytes), at);
  if (partitioned(now)) {
    ++counts_.cut;
    return;
  }
  if (config_.one_way && to != 1) return fly(to, std::move(bytes), at);
  if (rng_.per_mille(config_.loss)) {
    ++counts_.lost;
    return;
  }
  if (config_.jitter.ns != 0) {
    at = at + Duration{static_cast<std::int64_t>(rng_.next() % static_cast<std::uint64_t>(config_.jitter.ns))};
  }
  if (rng_.per_mille(config_.reorder)) {
    ++counts_.reordered;
    at = at + Duration{static_cast<std::int64_t>(rng_.next() % static_cast<std::uint64_t>(config_.reorder_by.ns))};
  }
  if (rng_.per_mille(config_.duplicate)) {
    ++counts_.duplicated;
    fly(to, bytes, at + Duration{static_cast<std::int64_t>(rng_.next() % static_cast<std::uint64_t>(config_.reorder_by.ns))});
  }
  // ARP has no checksum of its own, and Ethernet's is not simulated.
  const bool arp = bytes.size() > 13 && bytes[12] == 0x08 && bytes[13] == 0x06;
  if (!bytes.empty() && !arp && rng_.per_mille(config_.corrupt)) {
    ++counts_.corrupted;
    // One byte changed, which the Internet checksum always finds, and perhaps the rest cut off.
    const std::size_t at_byte = rng_.below(static_cast<std::uint32_t>(bytes.size()));
    bytes[at_byte] = static_cast<std::uint8_t>(bytes[at_byte] ^ (1U + rng_.below(255)));
    if (rng_.below(8) == 0) bytes.resize(at_byte);
  }
  fly(to, std::move(bytes), at);
}

Network::Delivery Network::take() {
  auto first = flying_.begin();
  Delivery delivery = std::move(first->second);
  flying_.erase(first);
  return delivery;
}

}  // namespace sluice::test
