// SPDX-License-Identifier: BSD-3-Clause
// Requests whose head has begun and is not whole, in the order in which they began: all have as long, so the first
// is the first to be late. Linked through the elements, which their owner keeps. One shard's thread.
#pragma once

#include "sluice/time.h"

namespace sluice::app {

struct OpenHead {
  OpenHead* older = nullptr;
  OpenHead* newer = nullptr;
  Instant since{};
};

class OpenHeads {
 public:
  // 0: none is ever late.
  explicit OpenHeads(Duration timeout) noexcept : timeout_(timeout) {}

  void add(OpenHead& head, Instant now) noexcept {
    head.since = now;
    head.older = newest_;
    head.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &head;
    newest_ = &head;
  }
  void remove(OpenHead& head) noexcept {
    (head.older != nullptr ? head.older->newer : oldest_) = head.newer;
    (head.newer != nullptr ? head.newer->older : newest_) = head.older;
    head.older = head.newer = nullptr;
  }
  // The oldest that is late; null: none is.
  [[nodiscard]] OpenHead* overdue(Instant now) const noexcept {
    if (timeout_.ns == 0 || oldest_ == nullptr || now - oldest_->since < timeout_) return nullptr;
    return oldest_;
  }

 private:
  Duration timeout_;
  OpenHead* oldest_ = nullptr;
  OpenHead* newest_ = nullptr;
};

}  // namespace sluice::app
