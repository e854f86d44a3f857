// SPDX-License-Identifier: BSD-3-Clause
// Per-connection state of an app for the few connections that need any. Elements are
// made in need, used again, and all freed with the service. One shard's thread.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace sluice::app {

template <typename T>
class Pool {
 public:
  // An element in the state in which it was given back, at first default-constructed.
  // Allocates only when more are in use than ever before.
  [[nodiscard]] T* take() {
    if (free_.empty()) return &all_.emplace_back();
    T* element = free_.back();
    free_.pop_back();
    return element;
  }
  void give(T* element) { free_.push_back(element); }
  [[nodiscard]] std::size_t used() const noexcept { return all_.size() - free_.size(); }

 private:
  std::deque<T> all_;
  std::vector<T*> free_;
};

}  // namespace sluice::app
