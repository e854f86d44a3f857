// SPDX-License-Identifier: BSD-3-Clause
#include "app/line_reader.h"

#include <algorithm>

namespace sluice::app {

void LineReader::append(std::string_view bytes) {
  if (at_ > 65536 && at_ * 2 > bytes_.size()) {
    bytes_.erase(0, at_);
    scanned_ -= at_;
    at_ = 0;
  }
  bytes_ += bytes;
}

std::optional<LineReader::Line> LineReader::next() {
  if (at_ == bytes_.size()) {
    bytes_.clear();
    at_ = scanned_ = 0;
  }
  std::size_t end = bytes_.find('\n', scanned_);
  if (end == std::string::npos) {
    scanned_ = bytes_.size();
    if (dropping_ || bytes_.size() - at_ > max_) {
      dropping_ = true;
      at_ = bytes_.size();
    }
    if (!finished_ || (at_ == bytes_.size() && !dropping_)) return std::nullopt;
    end = bytes_.size();
  }
  Line line{std::string_view(bytes_).substr(at_, end - at_), dropping_};
  if (line.text.size() > max_) line.too_long = true;
  if (line.too_long) line.text = {};
  dropping_ = false;
  at_ = scanned_ = std::min(end + 1, bytes_.size());
  return line;
}

}  // namespace sluice::app
