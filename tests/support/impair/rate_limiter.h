// SPDX-License-Identifier: BSD-3-Clause
// A link of limited rate with a bounded buffer before it, in which frames wait for their turn. No clock of its own:
// times are the caller's, in nanoseconds, and never go back. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::test {

class RateLimiter {
 public:
  // bits_per_second 0: without limit.
  RateLimiter(std::uint64_t bits_per_second, std::uint64_t buffer_bytes) noexcept
      : bits_per_second_(bits_per_second), buffer_ns_(bits_per_second == 0 ? 0 : time_of(std::min(buffer_bytes, kBufferMax))) {}

  // When a frame that comes now has left; nothing, and the frame takes no turn, when more than the buffer's bytes wait.
  [[nodiscard]] std::optional<std::int64_t> leaves_ns(std::size_t bytes, std::int64_t now_ns) noexcept {
    if (bits_per_second_ == 0) return now_ns;
    const std::int64_t begins_ns = std::max(now_ns, free_ns_);
    if (begins_ns - now_ns > buffer_ns_) return std::nullopt;
    free_ns_ = begins_ns + time_of(bytes);
    return free_ns_;
  }
  // Bytes accepted that have not left.
  [[nodiscard]] std::uint64_t backlog(std::int64_t now_ns) const noexcept {
    return free_ns_ <= now_ns ? 0 : static_cast<std::uint64_t>(free_ns_ - now_ns) * bits_per_second_ / kNsPerByte;
  }

 private:
  static constexpr std::uint64_t kNsPerByte = 8'000'000'000;  // at one bit a second
  static constexpr std::uint64_t kBufferMax = std::uint64_t{1} << 31U;  // bytes whose time still is a number of 64 bits

  [[nodiscard]] std::int64_t time_of(std::uint64_t bytes) const noexcept {
    return static_cast<std::int64_t>(bytes * kNsPerByte / bits_per_second_);
  }

  std::uint64_t bits_per_second_;
  std::int64_t buffer_ns_;
  std::int64_t free_ns_ = 0;  // when all accepted so far has left
};

}  // namespace sluice::test
