// SPDX-License-Identifier: BSD-3-Clause
// Which port of ours a connection that we open gets: RFC 6056 3.3.4 (double-hash port
// selection). A keyed hash of our address and the destination says where in the range its
// ports begin, and a counter that few destinations share where it stands. So nobody who
// does not know the key can tell a port, each destination sees ports go up one by one, and
// the next one is that which was given out the longest time ago: free, as a rule, however
// full the range is. Shard thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "base/siphash.h"
#include "sluice/config.h"

namespace sluice::stack {

class LocalPorts {
 public:
  static constexpr std::uint16_t kFirst = 32768;
  static constexpr std::uint32_t kCount = 28232;  // to 60999, as Linux has it
  // Ports looked at for one connection at most; the next one goes on after them.
  static constexpr std::uint32_t kTries = 2048;
  // So many of them in order. Where those are taken somebody may hold thousands side by side: from there on in strides
  // that leave no gap of 28 ports unseen in kTries, and in kCount of them no port.
  static constexpr std::uint32_t kInOrder = 64;
  static constexpr std::uint32_t kStride = 17447;  // kCount times the golden ratio, and coprime to it
  // So many are looked at for one that is free, before one that can be made free is taken.
  static constexpr std::uint32_t kPatience = 16;

  enum class Use : std::uint8_t {
    kFree,
    kSpare,   // taken, but what has it may go
    kTaken,
    kNotOurs  // never for us: costs little to tell and does not count as a try
  };

  struct Choice {
    std::uint16_t port;  // 0: none was found
    bool spare;
  };

  explicit LocalPorts(SipKey key) : key_(key), counters_(kCounters) {
    for (std::uint64_t i = 0; i < kCounters; ++i) {
      counters_[i] = static_cast<std::uint32_t>(siphash<1, 3>(key_, std::span<const std::uint64_t>(&i, 1)));
    }
  }

  // A port for which `use(port)` is kFree, or kSpare where that is not easily had.
  template <typename Judge>
  [[nodiscard]] Choice choose(const IpAddress& local, const IpAddress& remote, std::uint16_t remote_port,
                              Judge&& use) noexcept {
    const std::uint64_t hash = hash_of(local, remote, remote_port);
    std::uint32_t& counter = counters_[hash >> 32U & (kCounters - 1)];
    const std::uint64_t begin = (hash & 0xffffffffU) + counter;
    std::uint16_t spare = 0;
    std::uint32_t spare_at = 0;
    std::uint32_t tried = 0;
    std::uint32_t i = 0;
    for (; i < kInOrder + kCount && tried < kTries; ++i) {
      const std::uint16_t port = at(begin + offset(i));
      switch (use(port)) {
        case Use::kFree: counter += offset(i) + 1; return {port, false};
        case Use::kSpare:
          if (spare == 0) {
            spare = port;
            spare_at = i;
          }
          break;
        case Use::kTaken: break;
        case Use::kNotOurs: continue;
      }
      if (++tried >= kPatience && spare != 0) break;
    }
    // What was passed over on the way to a spare one is no freer the next time. Without one the strides go on.
    counter += spare != 0 ? offset(spare_at) + 1 : offset(i) - kInOrder;
    return {spare, spare != 0};
  }

 private:
  static constexpr std::uint64_t kCounters = 4096;

  [[nodiscard]] static constexpr std::uint32_t offset(std::uint32_t i) noexcept {
    return i < kInOrder ? i : kInOrder + (i - kInOrder) * kStride % kCount;
  }
  [[nodiscard]] static std::uint16_t at(std::uint64_t position) noexcept {
    return static_cast<std::uint16_t>(kFirst + position % kCount);
  }
  [[nodiscard]] std::uint64_t hash_of(const IpAddress& local, const IpAddress& remote, std::uint16_t remote_port) const noexcept {
    std::array<std::uint64_t, 5> words{};
    std::memcpy(words.data(), local.bytes.data(), 16);
    std::memcpy(words.data() + 2, remote.bytes.data(), 16);
    words[4] = remote_port;
    return siphash<1, 3>(key_, words);
  }

  SipKey key_;
  std::vector<std::uint32_t> counters_;
};
static_assert(std::gcd(LocalPorts::kStride, LocalPorts::kCount) == 1);

}  // namespace sluice::stack
