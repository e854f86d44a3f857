// SPDX-License-Identifier: BSD-3-Clause
// The Date field of answers (RFC 9110 6.6.1), made once a second. One shard's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sluice/time.h"

namespace sluice::app {

class HttpDate {
 public:
  // Without a clock that knows the date there is no such field.
  explicit HttpDate(bool has_clock) noexcept : has_clock_(has_clock) {}

  // The field with its CRLF, or nothing; `now` is the shard's time. The kernel's clock is read when a second has passed.
  std::string_view line(Instant now) {
    if (has_clock_ && now >= until_) [[unlikely]] read_clock(now);
    return {text_.data(), size_};
  }
  // It is another since the caller last saw this number.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

 private:
  void read_clock(Instant now);

  bool has_clock_;
  Instant until_{INT64_MIN};
  std::uint64_t version_ = 0;
  std::array<char, 40> text_{};
  std::size_t size_ = 0;
};

// "Date: Sun, 06 Nov 1994 08:49:37 GMT" and CRLF, of a second since 1970; how long it is.
std::size_t write_http_date(std::int64_t unix_s, std::array<char, 40>& out) noexcept;

}  // namespace sluice::app
