// SPDX-License-Identifier: BSD-3-Clause
// The TCP header (RFC 9293 3.1) without what its options mean. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/seq_num.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

namespace sluice::wire {

inline constexpr std::size_t kTcpHeader = 20;
inline constexpr std::size_t kTcpHeaderMax = 60;
inline constexpr std::size_t kTcpChecksumOffset = 16;

// TCP control bits as they stand in the header (RFC 9293 3.1).
enum TcpFlag : std::uint8_t {
  kFin = 0x01,
  kSyn = 0x02,
  kRst = 0x04,
  kPsh = 0x08,
  kAck = 0x10,
  kUrg = 0x20,
  kEce = 0x40,
  kCwr = 0x80,
};

// Contract: parse() fails when 20 bytes are not there, or the data offset is below 5 or
// past the bytes given. Afterwards no accessor reads outside them. Says nothing about
// the checksum, which needs the addresses too.
class TcpView {
 public:
  [[nodiscard]] static std::optional<TcpView> parse(std::span<const std::uint8_t> segment) noexcept {
    if (segment.size() < kTcpHeader) return std::nullopt;
    const TcpView view(segment);
    if (view.header_len() < kTcpHeader || view.header_len() > segment.size()) return std::nullopt;
    return view;
  }
  [[nodiscard]] std::uint16_t src_port() const noexcept { return load_be16(p_); }
  [[nodiscard]] std::uint16_t dst_port() const noexcept { return load_be16(p_ + 2); }
  [[nodiscard]] SeqNum seq() const noexcept { return SeqNum(load_be32(p_ + 4)); }
  [[nodiscard]] SeqNum ack() const noexcept { return SeqNum(load_be32(p_ + 8)); }
  [[nodiscard]] std::size_t header_len() const noexcept { return (p_[12] >> 4U) * 4U; }
  [[nodiscard]] std::uint8_t flags() const noexcept { return p_[13]; }
  [[nodiscard]] std::uint16_t window() const noexcept { return load_be16(p_ + 14); }
  [[nodiscard]] std::uint16_t urgent() const noexcept { return load_be16(p_ + 18); }
  [[nodiscard]] std::span<const std::uint8_t> options() const noexcept {
    return {p_ + kTcpHeader, header_len() - kTcpHeader};
  }
  [[nodiscard]] std::span<const std::uint8_t> payload() const noexcept {
    return {p_ + header_len(), size_ - header_len()};
  }

 private:
  explicit TcpView(std::span<const std::uint8_t> segment) noexcept : p_(segment.data()), size_(segment.size()) {}
  const std::uint8_t* p_;
  std::size_t size_;
};

struct TcpHeader {
  std::uint16_t src_port = 0, dst_port = 0;
  SeqNum seq, ack;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;  // raw
  std::uint16_t urgent = 0;

  // Writes 20 bytes with checksum 0 and the data offset that options of `options_len` bytes (a
  // multiple of 4, at most 40; the caller writes them behind) need. Returns the sum of what it
  // wrote: reading it back would cost more.
  CsumSum write(std::uint8_t* out, std::size_t options_len = 0) const noexcept {
    const auto header_len = static_cast<std::uint32_t>(kTcpHeader + options_len);
    const std::uint32_t ports = __builtin_bswap32(std::uint32_t{src_port} << 16U | dst_port);
    const std::uint32_t seq_word = __builtin_bswap32(seq.value());
    const std::uint32_t ack_word = __builtin_bswap32(ack.value());
    const std::uint32_t rest = __builtin_bswap32(header_len << 26U | std::uint32_t{flags} << 16U | window);
    const std::uint32_t last = __builtin_bswap32(std::uint32_t{urgent});
    store_native(out, std::uint64_t{seq_word} << 32U | ports);
    store_native(out + 8, std::uint64_t{rest} << 32U | ack_word);
    store_native(out + kTcpChecksumOffset, last);
    return CsumSum{ports} + seq_word + ack_word + rest + last;
  }
};

}  // namespace sluice::wire
