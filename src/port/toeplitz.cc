// SPDX-License-Identifier: BSD-3-Clause
#include "port/toeplitz.h"

#include "base/rng.h"

namespace sluice::port {

namespace {

// The 32 bits of the key that begin at bit `first`.
std::uint32_t window(const RssKey& key, std::size_t first) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t at = first / 8 + i;
    bits = (bits << 8U) | (at < key.size() ? key[at] : 0U);
  }
  return static_cast<std::uint32_t>(bits >> (8 - first % 8));
}

}  // namespace

Toeplitz::Toeplitz(const RssKey& key) : key_(key), tables_(new std::uint32_t[kTuple6 * 256]) {
  for (std::size_t position = 0; position < kTuple6; ++position) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::uint32_t sum = 0;
      for (std::size_t bit = 0; bit < 8; ++bit) {
        if ((byte & (0x80U >> bit)) != 0) sum ^= window(key, position * 8 + bit);
      }
      tables_[position * 256 + byte] = sum;
    }
  }
}

RssKey make_rss_key(std::uint64_t word0, std::uint64_t word1) noexcept {
  Rng rng(word0);
  Rng other(~word1);  // equal words must not cancel out
  RssKey key{};
  for (std::size_t i = 0; i < key.size(); i += 8) {
    const std::uint64_t word = rng.next() ^ other.next();
    for (std::size_t j = 0; j < 8; ++j) key[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
  }
  return key;
}

}  // namespace sluice::port
