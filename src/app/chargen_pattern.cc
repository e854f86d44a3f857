// SPDX-License-Identifier: BSD-3-Clause
#include "app/chargen_pattern.h"

#include <array>

namespace sluice::app {
namespace {

constexpr std::size_t kPrinting = 95;  // ' ' to '~'
constexpr std::size_t kLine = 72;
constexpr std::size_t kPeriod = kPrinting * (kLine + 2);

using Text = std::array<std::byte, kPeriod + kChargenPiece>;

Text make_text() noexcept {
  Text text{};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t line = i % kPeriod / (kLine + 2);
    const std::size_t column = i % (kLine + 2);
    if (column == kLine) {
      text[i] = std::byte{'\r'};
    } else if (column == kLine + 1) {
      text[i] = std::byte{'\n'};
    } else {
      text[i] = static_cast<std::byte>(' ' + (line + column) % kPrinting);
    }
  }
  return text;
}

}  // namespace

std::span<const std::byte> chargen_text(std::uint64_t offset) noexcept {
  static const Text text = make_text();
  return std::span(text).subspan(offset % kPeriod);
}

}  // namespace sluice::app
