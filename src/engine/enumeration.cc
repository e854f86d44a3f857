// SPDX-License-Identifier: BSD-3-Clause
#include "engine/enumeration.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::engine {

bool Enumeration::add(const std::function<bool(std::vector<ConnectionReport>&)>& make) noexcept {
  if (left_.load(std::memory_order_relaxed)) return true;
  if (waiting_.load(std::memory_order_relaxed) >= kSlicesMax) return false;
  bool more = false;
  bool no_memory = false;
  try {
    std::vector<ConnectionReport> slice;
    more = make(slice);
    made_.fetch_add(1, std::memory_order_relaxed);
    if (slice.empty() && more) return false;
    if (!slice.empty()) {
      const std::lock_guard hold(mutex_);
      slices_.push_back(std::move(slice));
    }
  } catch (const std::exception&) {
    more = false;
    no_memory = true;
  }
  const std::lock_guard hold(mutex_);
  waiting_.store(slices_.size(), std::memory_order_relaxed);
  if (!more) ++done_;
  no_memory_ = no_memory_ || no_memory;
  news_.notify_all();
  return !more;
}

Result<std::vector<ConnectionReport>> Enumeration::next(unsigned shards, std::chrono::milliseconds patience,
                                                        const std::function<bool()>& ended) {
  constexpr std::chrono::milliseconds kLookForTheEnd{20};
  auto until = std::chrono::steady_clock::now() + patience;
  std::uint64_t seen = made_.load(std::memory_order_relaxed);
  std::unique_lock hold(mutex_);
  for (;;) {
    if (no_memory_) return Error{Errc::kNoMemory, "no memory for the list of connections; ask for fewer with a filter"};
    if (!slices_.empty()) {
      std::vector<ConnectionReport> slice = std::move(slices_.front());
      slices_.pop_front();
      waiting_.store(slices_.size(), std::memory_order_relaxed);
      return slice;
    }
    if (done_ == shards) return std::vector<ConnectionReport>{};
    if (ended()) return Error{Errc::kNoDevice, "the shards have ended"};
    const auto now = std::chrono::steady_clock::now();
    if (const std::uint64_t made = made_.load(std::memory_order_relaxed); made != seen) {
      seen = made;
      until = now + patience;
    }
    if (now >= until) return Error{Errc::kTimedOut, "a shard did not report its connections in time; ask again"};
    news_.wait_until(hold, std::min(until, now + kLookForTheEnd));
  }
}

}  // namespace sluice::engine
