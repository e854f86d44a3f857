// SPDX-License-Identifier: BSD-3-Clause
// Connections on their way from the shards to who asked for them: some slices, and no more until those are taken, so that
// the list takes little memory however long it is and however slowly it is read.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "sluice/error.h"
#include "sluice/stats.h"

namespace sluice::engine {

class Enumeration {
 public:
  // That may wait; a shard that looked before another added its own may add one more.
  static constexpr std::size_t kSlicesMax = 16;

  // --- a shard's thread ---
  // `make` fills a slice and returns whether more follow; it is not called while kSlicesMax wait. True when the shard is done.
  bool add(const std::function<bool(std::vector<ConnectionReport>&)>& make) noexcept;

  // --- the thread that asks ---
  // One slice, empty when all `shards` are done. `ended` is asked now and then whether they are still there. kTimedOut: for
  // `patience` none did anything. kNoMemory, kNoDevice.
  [[nodiscard]] Result<std::vector<ConnectionReport>> next(unsigned shards, std::chrono::milliseconds patience,
                                                           const std::function<bool()>& ended);
  // Nothing more is wanted.
  void leave() noexcept { left_.store(true, std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::vector<ConnectionReport>> slices_;
  unsigned done_ = 0;
  bool no_memory_ = false;
  std::atomic<std::size_t> waiting_{0};   // slices_.size()
  std::atomic<std::uint64_t> made_{0};    // slices, empty ones as well
  std::atomic<bool> left_{false};
};

}  // namespace sluice::engine
