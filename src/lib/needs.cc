// SPDX-License-Identifier: BSD-3-Clause
#include "lib/needs.h"

#include <algorithm>
#include <charconv>

namespace sluice::lib {

namespace {

// What a device's queue and a shard's own stock keep for themselves.
constexpr std::size_t kBuffersPerQueue = 4096;

bool read_number(std::string_view text, unsigned& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// "3" or "0-3"
unsigned count_range(std::string_view range) noexcept {
  const std::size_t dash = range.find('-');
  unsigned first = 0;
  unsigned last = 0;
  if (!read_number(range.substr(0, dash), first)) return 0;
  if (dash == std::string_view::npos) return 1;
  if (!read_number(range.substr(dash + 1), last) || last < first) return 0;
  return last - first + 1;
}

}  // namespace

unsigned count_lcores(std::string_view list) noexcept {
  unsigned count = 0;
  unsigned depth = 0;
  bool in_cpus = false;  // behind an '@': where they run, not which they are
  std::size_t begin = 0;
  const auto take = [&](std::size_t end) {
    const unsigned n = count_range(list.substr(begin, end - begin));
    count += n;
    return n != 0;
  };
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const char c = i < list.size() ? list[i] : ',';
    if (c == '(') {
      ++depth;
      begin = i + 1;
    } else if (c == ')' || c == '@' || c == ',') {
      if (c == ')' && depth-- == 0) return 0;
      const bool group_before = i > 0 && list[i - 1] == ')';  // counted already
      if (!in_cpus && !group_before && !take(i)) return 0;
      begin = i + 1;
      if (c == '@') in_cpus = true;
      if (c == ',' && depth == 0) in_cpus = false;
    }
  }
  return depth == 0 ? count : 0;
}

std::size_t least_buffers(unsigned shards, std::size_t ports) noexcept {
  return kBuffersPerQueue * shards * std::max<std::size_t>(ports, 1);
}

}  // namespace sluice::lib
