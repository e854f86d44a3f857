// SPDX-License-Identifier: BSD-3-Clause
// The cookies that servers gave us (RFC 7413 4.1.3): a fixed number of places, each for
// the server spoken to last of those that share it. Shard thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "sluice/config.h"
#include "stack/address_hash.h"
#include "wire/tcp_options.h"

namespace sluice::stack {

class FastOpenCache {
 public:
  static constexpr std::size_t kPlaces = 256;

  struct Entry {
    IpAddress server;
    std::uint16_t mss = 0;                // the server's
    std::uint8_t len = 0;                 // 0: free
    std::array<std::uint8_t, wire::kFastOpenMax> bytes{};

    [[nodiscard]] std::span<const std::uint8_t> cookie() const noexcept { return {bytes.data(), len}; }
  };

  // Without `on` it has no memory and knows nothing.
  explicit FastOpenCache(bool on) : entries_(on ? kPlaces : 0) {}

  // Null: none is known.
  [[nodiscard]] const Entry* find(const IpAddress& server) const noexcept {
    if (entries_.empty()) return nullptr;
    const Entry& entry = entries_[place(server)];
    return entry.len != 0 && entry.server == server ? &entry : nullptr;
  }
  void learn(const IpAddress& server, std::span<const std::uint8_t> cookie, std::uint16_t mss) noexcept {
    if (entries_.empty() || cookie.empty() || cookie.size() > wire::kFastOpenMax) return;
    Entry& entry = entries_[place(server)];
    entry.server = server;
    entry.mss = mss;
    entry.len = static_cast<std::uint8_t>(cookie.size());
    std::memcpy(entry.bytes.data(), cookie.data(), cookie.size());
  }
  void forget(const IpAddress& server) noexcept {
    if (find(server) != nullptr) entries_[place(server)].len = 0;
  }

 private:
  // We choose whom we speak to, so no key is needed; servers are in many networks, and their first halves count too.
  [[nodiscard]] static std::size_t place(const IpAddress& server) noexcept {
    std::uint64_t high = 0;
    std::memcpy(&high, server.bytes.data(), sizeof(high));
    return spread(server, high, kPlaces);
  }
  std::vector<Entry> entries_;
};

}  // namespace sluice::stack
