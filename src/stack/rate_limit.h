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
  // About `per_second` tokens a second, bursts of about a twentieth of that.
  explicit constexpr TokenBucket(std::uint32_t per_second) noexcept
      : slice_(std::max(per_second / 20, 8U)), tokens_(slice_) {}

  bool take(Instant now, Rng& rng) noexcept {
    if (now >= refill_) [[unlikely]] {
      refill_ = now + Duration::milliseconds(50);
      tokens_ = slice_ - rng.below(slice_ / 4);
    }
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  std::uint32_t slice_;
  std::uint32_t tokens_;
  Instant refill_{};
};

}  // namespace sluice::stack
