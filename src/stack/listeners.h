// SPDX-License-Identifier: BSD-3-Clause
// Listening endpoints: found by port in one step, then by address, the exact one
// before the wildcard. Shard thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sluice/config.h"
#include "sluice/time.h"
#include "stack/interface.h"

namespace sluice::stack {

struct Listener {
  IpAddress address;              // as asked for; any: 0.0.0.0 or ::
  std::uint16_t port = 0;
  std::uint16_t local_addr = kNoAddress;  // kNoAddress: wildcard of the address's family
  std::uint16_t service = 0;
  std::uint16_t params = 0;       // index in the stack's table
  std::uint16_t next = 0;         // 1 + index of the next listener on the same port; 0: none
  bool open = false;
  bool v4 = false;
  bool held = false;              // the application accepts none for now
  std::uint32_t backlog = 0;      // half-open connections at most
  std::uint32_t half_open = 0;    // now
  std::uint32_t fast_open = 0;    // connections begun by Fast Open whose handshake is not complete
  Instant cookies_until{};        // an ACK may hold a cookie of ours till then
};

class Listeners {
 public:
  Listeners() : by_port_(new std::uint16_t[65536]()) {}

  static constexpr std::uint16_t kNone = 0xffff;
  static constexpr std::uint16_t kMax = 0xfffe;

  // Index of the new listener; kNone when the table is full. The caller checked taken().
  std::uint16_t add(const Listener& listener);
  // Its index stays reserved while half-open connections refer to it.
  void remove(std::uint16_t index) noexcept;
  // The same endpoint is open already, or one that overlaps it.
  [[nodiscard]] bool taken(const IpAddress& address, std::uint16_t port) const noexcept;

  [[nodiscard]] std::uint16_t find(std::uint16_t local_addr, bool v4, std::uint16_t port) const noexcept {
    std::uint16_t wildcard = kNone;
    for (std::uint16_t link = by_port_[port]; link != 0; link = all_[link - 1U].next) {
      const Listener& listener = all_[link - 1U];
      if (listener.local_addr == local_addr) return static_cast<std::uint16_t>(link - 1U);
      if (listener.local_addr == kNoAddress && listener.v4 == v4) wildcard = static_cast<std::uint16_t>(link - 1U);
    }
    return wildcard;
  }
  [[nodiscard]] bool in_use(std::uint16_t port) const noexcept { return by_port_[port] != 0; }
  [[nodiscard]] Listener& operator[](std::uint16_t index) noexcept { return all_[index]; }
  [[nodiscard]] const Listener& operator[](std::uint16_t index) const noexcept { return all_[index]; }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] std::uint32_t open() const noexcept { return open_; }

 private:
  std::unique_ptr<std::uint16_t[]> by_port_;  // 1 + index of the first listener; 0: none
  std::vector<Listener> all_;
  std::uint32_t open_ = 0;
};

}  // namespace sluice::stack
