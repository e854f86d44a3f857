// SPDX-License-Identifier: BSD-3-Clause
// The cookies that servers gave us (RFC 7413 4.1.3): a fixed number of places, each for
// the server spoken to last of those that share it. A cookie is for the address of ours
// that got it, named by its index. Shard thread.
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
    std::uint16_t local = 0;              // address of ours
    std::uint16_t mss = 0;                // the server's
    std::uint8_t len = 0;                 // 0: free
    std::array<std::uint8_t, wire::kFastOpenMax> bytes{};

    [[nodiscard]] std::span<const std::uint8_t> cookie() const noexcept { return {bytes.data(), len}; }
  };

  // Without `on` it has no memory and knows nothing.
  explicit FastOpenCache(bool on) : entries_(on ? kPlaces : 0) {}

  // Null: none is known.
  [[nodiscard]] const Entry* find(std::uint16_t local, const IpAddress& server) const noexcept {
    if (entries_.empty()) return nullptr;
    const Entry& entry = entries_[place(local, server)];
    return entry.len != 0 && entry.local == local && entry.server == server ? &entry : nullptr;
  }
  void learn(std::uint16_t local, const IpAddress& server, std::span<const std::uint8_t> cookie, std::uint16_t mss) noexcept {
    if (entries_.empty() || cookie.empty() || cookie.size() > wire::kFastOpenMax) return;
    Entry& entry = entries_[place(local, server)];
    entry.server = server;
    entry.local = local;
    entry.mss = mss;
    entry.len = static_cast<std::uint8_t>(cookie.size());
    std::memcpy(entry.bytes.data(), cookie.data(), cookie.size());
  }
  void forget(std::uint16_t local, const IpAddress& server) noexcept {
    if (find(local, server) != nullptr) entries_[place(local, server)].len = 0;
  }

 private:
  // We choose whom we speak to, so no key is needed; servers are in many networks, and their first halves count too.
  [[nodiscard]] static std::size_t place(std::uint16_t local, const IpAddress& server) noexcept {
    std::uint64_t high = 0;
    std::memcpy(&high, server.bytes.data(), sizeof(high));
    return spread(server, high + (std::uint64_t{local} << 32U), kPlaces);
  }
  std::vector<Entry> entries_;
};

}  // namespace sluice::stack
