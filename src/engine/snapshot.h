// SPDX-License-Identifier: BSD-3-Clause
// A shard's numbers on their way to readers: copied whole, once a millisecond, under
// a sequence lock, so the shard never waits and a reader never sees a mixture.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice::engine {

// One writer; any number of readers. T: a struct of nothing but 64-bit counters.
template <typename T>
class Snapshot {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  static constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);

 public:
  void publish(const T& value) noexcept {
    const std::uint64_t begun = sequence_.load(std::memory_order_relaxed) + 1;
    sequence_.store(begun, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    const char* from = reinterpret_cast<const char*>(&value);
    for (std::size_t i = 0; i < kWords; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, from + i * sizeof(word), sizeof(word));
      words_[i].store(word, std::memory_order_relaxed);
    }
    sequence_.store(begun + 1, std::memory_order_release);
  }

  [[nodiscard]] T read() const noexcept {
    T value;
    char* to = reinterpret_cast<char*>(&value);
    for (;;) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      if ((before & 1U) != 0) continue;
      for (std::size_t i = 0; i < kWords; ++i) {
        const std::uint64_t word = words_[i].load(std::memory_order_relaxed);
        std::memcpy(to + i * sizeof(word), &word, sizeof(word));
      }
      std::atomic_thread_fence(std::memory_order_acquire);
      if (sequence_.load(std::memory_order_relaxed) == before) return value;
    }
  }

 private:
  alignas(64) std::atomic<std::uint64_t> sequence_{0};
  std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

}  // namespace sluice::engine
