// SPDX-License-Identifier: BSD-3-Clause
// The Toeplitz hash that devices compute for RSS, in software and with the same key:
// for software RSS, for choosing source ports, and where a device gave no hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sluice::port {

// 40 bytes: enough for an IPv6 4-tuple.
using RssKey = std::array<std::uint8_t, 40>;

// Constant after construction (37 KiB of tables); any thread.
class Toeplitz {
 public:
  // Bytes of source address, destination address, source port, destination port, all
  // in network order and in this order.
  static constexpr std::size_t kTuple4 = 12;
  static constexpr std::size_t kTuple6 = 36;

  explicit Toeplitz(const RssKey& key);

  [[nodiscard]] const RssKey& key() const noexcept { return key_; }
  // At most kTuple6 bytes.
  [[nodiscard]] std::uint32_t hash(std::span<const std::uint8_t> tuple) const noexcept {
    std::uint32_t result = 0;
    const std::uint32_t* table = tables_.get();
    for (const std::uint8_t byte : tuple) {
      result ^= table[byte];
      table += 256;
    }
    return result;
  }

 private:
  RssKey key_;
  std::unique_ptr<std::uint32_t[]> tables_;  // [position][byte]
};

// A key from two words of a secret (or of a seed): each start has its own, so that
// nobody outside can choose the queue or the bucket of his connections.
[[nodiscard]] RssKey make_rss_key(std::uint64_t word0, std::uint64_t word1) noexcept;

}  // namespace sluice::port
