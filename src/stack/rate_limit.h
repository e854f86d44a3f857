// SPDX-License-Identifier: BSD-3-Clause
// A token bucket that tells a stranger nothing: how much it refills varies, so that counting
// the answers to his own packets does not reveal how many others had (cf. CVE-2020-25705).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/rng.h"
#include "sluice/time.h"

namespace sluice::stack {

class TokenBucket {
 public:
  // About `per_second` tokens a second; `burst` of them at once, or about a twentieth of a second's if that is more.
  explicit constexpr TokenBucket(std::uint32_t per_second, std::uint32_t burst = 0) noexcept
      : slice_(std::max(per_second / 20, 8U)), most_(std::max(burst, slice_)), tokens_(most_) {}

  bool take(Instant now, Rng& rng) noexcept {
    if (now >= refill_) [[unlikely]] {
      const auto slices = 1 + (now - refill_).ns / kSlice.ns;
      refill_ = now + kSlice;
      tokens_ = static_cast<std::uint32_t>(std::min<std::int64_t>(most_, tokens_ + slices * slice_)) - rng.below(slice_ / 4);
    }
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  static constexpr Duration kSlice = Duration::milliseconds(50);
  std::uint32_t slice_;
  std::uint32_t most_;
  std::uint32_t tokens_;
  Instant refill_{};
};

}  // namespace sluice::stack
