// SPDX-License-Identifier: BSD-3-Clause
// A stream of bytes cut into lines of bounded length. One thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::app {

class LineReader {
 public:
  struct Line {
    std::string_view text;  // without its newline; valid until the next call
    bool too_long = false;  // longer than `max`; its bytes were dropped
  };
  explicit LineReader(std::size_t max) noexcept : max_(max) {}

  void append(std::string_view bytes);
  // No more bytes will come: what is left counts as a line.
  void finish() noexcept { finished_ = true; }
  std::optional<Line> next();
  // Bytes that no line has been made of yet.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - at_; }

 private:
  std::size_t max_;
  std::string bytes_;
  std::size_t at_ = 0;       // of the line to come
  std::size_t scanned_ = 0;  // no newline from at_ to before this
  bool finished_ = false;
  bool dropping_ = false;    // inside of a line that is too long
};

}  // namespace sluice::app
