// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071). Partial sums are 64-bit values over 32-bit words
// in memory order: one's complement addition does not care about byte order as
// long as the result is stored the way the words were read. Any thread.
//
// A message in pieces: CsumSum s = sum_bytes(head); s = combine(s, sum_bytes(piece),
// offset of the piece), ...; store with store_checksum(field, s).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "sluice/config.h"
#include "wire/bytes.h"

namespace sluice::wire {

// A partial sum. Sums of anything below 2^31 words may be added with +.
using CsumSum = std::uint64_t;

// One's complement fold to 16 bits, in memory order: a number plus itself with its halves exchanged has their sum,
// with the carry that comes back around, in its upper half.
[[nodiscard]] constexpr std::uint16_t fold(CsumSum sum) noexcept {
  sum += std::rotr(sum, 32);
  auto word = static_cast<std::uint32_t>(sum >> 32U);
  word += std::rotr(word, 16);
  return static_cast<std::uint16_t>(word >> 16U);
}

// N bytes, N known when compiling and a multiple of 4: headers and addresses.
template <std::size_t N>
[[nodiscard]] inline CsumSum sum_fixed(const std::uint8_t* p) noexcept {
  static_assert(N % 4 == 0);
  CsumSum sum = 0;
  for (std::size_t i = 0; i < N; i += 4) sum += load_native<std::uint32_t>(p + i);
  return sum;
}

// n bytes, a multiple of 4, that were just written in 32-bit stores (a TCP header and its
// options): a wider load would have to wait until those have left the store buffer.
[[nodiscard]] inline CsumSum sum_words(const std::uint8_t* p, std::size_t n) noexcept {
  CsumSum sum = 0;
  for (std::size_t i = 0; i < n; i += 4) {
    auto word = load_native<std::uint32_t>(p + i);
    asm("" : "+r"(word));  // keeps the compiler from making the loads wider
    sum += word;
  }
  return sum;
}

// What sum_bytes() calls from 64 bytes on.
[[nodiscard]] CsumSum sum_long(const std::uint8_t* p, std::size_t n) noexcept;

// The word `at` bytes from `p`, which is also copied to the same place from `to` if kCopy.
template <typename Word, bool kCopy>
[[nodiscard]] inline Word take_word(std::uint8_t* to, const std::uint8_t* p, std::size_t at) noexcept {
  const auto word = load_native<Word>(p + at);
  if constexpr (kCopy) store_native(to + at, word);
  return word;
}
// Fewer than 64 bytes, likewise.
template <bool kCopy>
[[nodiscard]] inline CsumSum sum_short(std::uint8_t* to, const std::uint8_t* p, std::size_t n) noexcept {
  CsumSum sum = 0;
  std::size_t at = 0;
  for (std::size_t words = n / 8; words != 0; --words) {
    auto word = take_word<std::uint64_t, kCopy>(to, p, at);
    asm("" : "+r"(word));  // keeps the compiler from vectors, which for so few words cost more than they save
    sum += (word & 0xffffffffU) + (word >> 32U);
    at += 8;
  }
  if ((n & 4U) != 0) sum += take_word<std::uint32_t, kCopy>(to, p, at);
  at += n & 4U;
  if ((n & 2U) != 0) sum += take_word<std::uint16_t, kCopy>(to, p, at);
  at += n & 2U;
  if ((n & 1U) != 0) sum += take_word<std::uint8_t, kCopy>(to, p, at);
  return sum;
}

// n bytes that begin at an even offset of the message; an odd last byte counts as if
// a zero followed.
[[nodiscard]] inline CsumSum sum_bytes(const std::uint8_t* p, std::size_t n) noexcept {
  return n >= 64 ? sum_long(p, n) : sum_short<false>(nullptr, p, n);
}
[[nodiscard]] inline CsumSum sum_bytes(std::span<const std::uint8_t> bytes) noexcept {
  return sum_bytes(bytes.data(), bytes.size());
}

// `sum` and the sum of a piece that begins `offset` bytes into the message: at an odd
// offset its bytes stand in the other halves of their words.
[[nodiscard]] constexpr CsumSum combine(CsumSum sum, CsumSum piece, std::size_t offset) noexcept {
  if ((offset & 1U) == 0) return sum + piece;
  return sum + __builtin_bswap16(fold(piece));
}

// Sums n bytes from `from` and copies them to `to` in one pass; they do not overlap.
[[nodiscard]] CsumSum copy_and_sum(std::uint8_t* to, const std::uint8_t* from, std::size_t n) noexcept;

// The pseudo-headers of RFC 9293 3.1 and RFC 8200 8.1. len: bytes of TCP or ICMP header and
// payload. Addresses point into a packet.
[[nodiscard]] inline CsumSum pseudo_sum_v4(const std::uint8_t* src, const std::uint8_t* dst, std::uint8_t protocol,
                                           std::uint32_t len) noexcept {
  return sum_fixed<4>(src) + sum_fixed<4>(dst) + (std::uint64_t{protocol} << 8U) +
         __builtin_bswap16(static_cast<std::uint16_t>(len));
}
[[nodiscard]] inline CsumSum pseudo_sum_v6(const std::uint8_t* src, const std::uint8_t* dst, std::uint8_t protocol,
                                           std::uint32_t len) noexcept {
  return sum_fixed<16>(src) + sum_fixed<16>(dst) + (std::uint64_t{protocol} << 8U) + __builtin_bswap32(len);
}
// By the family of the addresses, which are of one family. ICMPv4 has no pseudo-header.
[[nodiscard]] inline CsumSum pseudo_sum(const IpAddress& src, const IpAddress& dst, std::uint8_t protocol,
                                        std::uint32_t len) noexcept {
  return dst.is_v4() ? pseudo_sum_v4(src.bytes.data() + 12, dst.bytes.data() + 12, protocol, len)
                     : pseudo_sum_v6(src.bytes.data(), dst.bytes.data(), protocol, len);
}

// True when a message that holds its checksum sums up right.
[[nodiscard]] constexpr bool checksum_good(CsumSum sum) noexcept { return fold(sum) == 0xffff; }

// Stores the checksum of a message whose checksum field was summed as zero.
inline void store_checksum(std::uint8_t* field, CsumSum sum) noexcept {
  store_native16(field, static_cast<std::uint16_t>(~fold(sum)));
}
// Stores a pseudo-header's sum for a device that will add the rest (kTxTcpCsum).
inline void store_partial_sum(std::uint8_t* field, CsumSum sum) noexcept { store_native16(field, fold(sum)); }

}  // namespace sluice::wire
