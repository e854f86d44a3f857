// SPDX-License-Identifier: BSD-3-Clause
// Runs the shards' loops on DPDK's lcores, and the clock they are given.
#pragma once

#include <cstdint>
#include <functional>

#include "sluice/time.h"

namespace sluice::port {

// Runs `body(i)` on the i-th lcore for each of them, the main lcore's on the calling
// thread (which must be the one that started the EAL), and returns when all have
// returned. `body` must not throw.
void run_on_lcores(const std::function<void(unsigned index)>& body);

// Nanoseconds since it was made, from the TSC, whose rate DPDK has measured. Any
// thread; needs the EAL. Loops read it once a burst.
class TscClock {
 public:
  TscClock() noexcept;
  [[nodiscard]] Instant now() const noexcept;

 private:
  std::uint64_t start_;
  std::uint64_t ns_per_cycle_;  // times 2^32
};

}  // namespace sluice::port
