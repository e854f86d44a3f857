// SPDX-License-Identifier: BSD-3-Clause
#include "lib/machine_id.h"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>

namespace sluice::lib {

std::optional<SipKey> parse_machine_id(std::string_view text) {
  constexpr std::size_t kHalf = 16;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.size() != 2 * kHalf) return std::nullopt;
  const auto half = [&](std::size_t at, std::uint64_t& out) {
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + kHalf, out, 16);
    return error == std::errc{} && end == begin + kHalf;
  };
  SipKey key;
  if (!half(0, key.k0) || !half(kHalf, key.k1) || (key.k0 | key.k1) == 0) return std::nullopt;
  return key;
}

std::optional<SipKey> read_machine_id(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return parse_machine_id(line);
}

}  // namespace sluice::lib
