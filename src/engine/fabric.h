// SPDX-License-Identifier: BSD-3-Clause
// What connects the shards: a single-producer single-consumer ring from each to
// each, for frames, and a mailbox from each (and from the control plane) to each, for
// tasks. Nothing else is shared.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/buf.h"
#include "sluice/listener.h"

namespace sluice::engine {

// A frame on its way to another shard. The buffer is in nobody's account meanwhile.
struct HandOver {
  enum class Kind : std::uint8_t {
    kReceived,  // of a flow that the receiver owns
    kCopy,      // of news about a neighbour, for everybody
    kToSend,    // for a transmit queue that the receiver owns
  };
  Buf* buf = nullptr;
  std::uint8_t interface = 0;
  Kind kind = Kind::kReceived;
};

using Task = std::function<void(Shard&)>;

class Fabric {
 public:
  using Ring = boost::lockfree::spsc_queue<HandOver>;
  using Mailbox = boost::lockfree::spsc_queue<Task*>;
  static constexpr std::size_t kRing = 2048;
  static constexpr std::size_t kMailbox = 1024;

  explicit Fabric(unsigned shards);
  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  [[nodiscard]] unsigned shards() const noexcept { return shards_; }
  // Written by `from`'s thread only, read by `to`'s only.
  [[nodiscard]] Ring& frames(unsigned from, unsigned to) noexcept { return *rings_[from * shards_ + to]; }
  [[nodiscard]] Mailbox& tasks(unsigned from, unsigned to) noexcept { return *mailboxes_[from * shards_ + to]; }
  // For either end: whether something lies there.
  [[nodiscard]] bool empty(unsigned from, unsigned to) const noexcept {
    return rings_[from * shards_ + to]->read_available() == 0 && mailboxes_[from * shards_ + to]->read_available() == 0;
  }
  // The control plane's own row of mailboxes.
  [[nodiscard]] unsigned control() const noexcept { return shards_; }

 private:
  unsigned shards_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
};

}  // namespace sluice::engine
