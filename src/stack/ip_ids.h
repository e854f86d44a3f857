// SPDX-License-Identifier: BSD-3-Clause
// IPv4 identifications that nobody outside can tell in advance: SipHash of a counter,
// sixteen a call. What varies the rate limits is another generator, of which
// hardly anything leaves. Shard thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "base/siphash.h"

namespace sluice::stack {

class IpIds {
 public:
  // `key`: of this shard alone; those of another with the same would be the same.
  explicit IpIds(SipKey key) noexcept : key_(key) {}

  [[nodiscard]] std::uint16_t next() noexcept {
    if (at_ == ids_.size()) [[unlikely]] refill();
    return ids_[at_++];
  }

 private:
  void refill() noexcept {
    const SipLanes counters = {counter_, counter_ + 1, counter_ + 2, counter_ + 3};
    const SipLanes hashes = siphash_lanes<2, 4>(key_, {&counters, 1});
    static_assert(sizeof(hashes) == sizeof(ids_));
    std::memcpy(ids_.data(), &hashes, sizeof(ids_));
    counter_ += 4;
    at_ = 0;
  }

  SipKey key_;
  std::uint64_t counter_ = 0;
  std::array<std::uint16_t, 16> ids_{};
  std::size_t at_ = ids_.size();
};

}  // namespace sluice::stack
