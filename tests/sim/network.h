// SPDX-License-Identifier: BSD-3-Clause
// The network between two simulated hosts: frames are delayed, lost, doubled, reordered,
// corrupted and slowed down as a seed decides, and now and then nothing gets through at all.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "sluice/time.h"
#include "support/impair/rate_limiter.h"

namespace sluice::test {

struct NetworkConfig {
  std::uint32_t loss = 0;         // per mille of frames
  std::uint32_t duplicate = 0;    // per mille
  std::uint32_t reorder = 0;      // per mille held back for up to reorder_by
  std::uint32_t corrupt = 0;      // per mille with a byte changed
  std::uint32_t mark = 0;         // per mille of those that may be: congestion experienced (RFC 3168)
  std::uint64_t mark_above = 0;   // bytes queued at the bottleneck above which all of them are; 0: never
  bool one_way = false;           // chance meets only what goes to host 1
  Duration delay = Duration::milliseconds(1);
  Duration jitter{};
  Duration reorder_by = Duration::milliseconds(5);
  // Each direction's bottleneck: frames wait for their turn, and are dropped when more than buffer_bytes wait. 0: none.
  std::uint64_t bits_per_second = 0;
  std::uint32_t buffer_bytes = 64 * 1024;
  // Partitions: nothing passes for `partition_for`, about every `partition_every`; 0: never.
  Duration partition_every{};
  Duration partition_for{};
  // After this instant the network is perfect, so that every connection can end.
  Instant calm_after = Instant::never();
};

// Marks an untagged frame if it says that it may be.
bool mark_congestion(std::vector<std::uint8_t>& frame);

struct NetworkCounts {
  std::uint64_t sent = 0, lost = 0, duplicated = 0, reordered = 0, corrupted = 0, cut = 0, overflowed = 0, marked = 0;
  std::uint64_t queued_bytes = 0;  // found by frames at the bottleneck, summed
};

class Network {
 public:
  struct Delivery {
    int to;
    std::vector<std::uint8_t> bytes;
  };

  Network(const NetworkConfig& config, std::uint64_t seed)
      : config_(config), rng_(seed), bottlenecks_{RateLimiter(config.bits_per_second, config.buffer_bytes),
                                                  RateLimiter(config.bits_per_second, config.buffer_bytes)} {}

  void send(int to, std::vector<std::uint8_t> bytes, Instant now);
  [[nodiscard]] Instant next() const noexcept { return flying_.empty() ? Instant::never() : flying_.begin()->first.first; }
  // The frame that arrives next.
  [[nodiscard]] Delivery take();
  [[nodiscard]] bool empty() const noexcept { return flying_.empty(); }
  [[nodiscard]] const NetworkCounts& counts() const noexcept { return counts_; }

 private:
  void fly(int to, std::vector<std::uint8_t> bytes, Instant at);
  [[nodiscard]] bool partitioned(Instant now) noexcept;

  NetworkConfig config_;
  Rng rng_;
  std::uint64_t order_ = 0;  // frames of one instant keep the order they were sent in
  std::map<std::pair<Instant, std::uint64_t>, Delivery> flying_;
  std::array<RateLimiter, 2> bottlenecks_;  // by receiver
  Instant partition_begins_{-1};
  Instant partition_ends_{};
  NetworkCounts counts_;
};

}  // namespace sluice::test
