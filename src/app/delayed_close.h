// SPDX-License-Identifier: BSD-3-Clause
// Connections to close after a fixed delay, in order of their deadlines. A handle that
// has gone stale meanwhile is passed over. One shard's thread.
#pragma once

#include <cstddef>
#include <deque>

#include "sluice/connection.h"
#include "sluice/time.h"

namespace sluice::app {

class DelayedClose {
 public:
  explicit DelayedClose(Duration delay) noexcept : delay_(delay) {}

  void add(Connection connection, Instant now) { waiting_.push_back({connection, now + delay_}); }

  // Calls `close` for each valid connection whose time has come, at most kBudget a call.
  template <typename Close>
  void run(Instant now, Close close) {
    for (std::size_t n = 0; n < kBudget && !waiting_.empty() && waiting_.front().at <= now; ++n) {
      const Connection connection = waiting_.front().connection;
      waiting_.pop_front();
      if (connection.valid()) close(connection);
    }
  }

 private:
  static constexpr std::size_t kBudget = 64;
  struct Entry {
    Connection connection;
    Instant at;
  };
  Duration delay_;
  std::deque<Entry> waiting_;
};

}  // namespace sluice::app
