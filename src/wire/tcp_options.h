// SPDX-License-Identifier: BSD-3-Clause
// TCP options (RFC 9293 3.1, RFC 7323, RFC 2018): read into plain values, and
// written in the padded layouts that other stacks have fast paths for. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/seq_num.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

namespace sluice::wire {

inline constexpr std::size_t kTcpOptionsMax = 40;       // bytes: data offset 15
inline constexpr std::size_t kTcpTimestampsPadded = 12; // bytes of NOP NOP TS
inline constexpr std::uint8_t kMaxSackBlocks = 4;
inline constexpr std::size_t kFastOpenMin = 4, kFastOpenMax = 16;  // bytes of a cookie, an even number (RFC 7413 4.1.1)

enum TcpOptionKind : std::uint8_t {
  kOptEnd = 0,
  kOptNop = 1,
  kOptMss = 2,
  kOptWindowScale = 3,
  kOptSackPermitted = 4,
  kOptSack = 5,
  kOptTimestamps = 8,
  kOptFastOpen = 34,
};

// Bytes [left, right) that the receiver holds.
struct SackBlock {
  SeqNum left, right;
  friend constexpr bool operator==(SackBlock, SackBlock) noexcept = default;
};

// Received, or to be written. Values are raw: nobody has clamped mss or wscale.
// mss, wscale, tsval, tsecr, fast_open and sack[] mean something only where the flag or the
// count says so; clear() does not touch them.
struct TcpOptions {
  const std::uint8_t* fast_open = nullptr;  // the cookie, in the frame it came in
  std::uint32_t tsval = 0, tsecr = 0;
  std::uint16_t mss = 0;
  std::uint8_t wscale = 0;
  std::uint8_t n_sack = 0;
  bool has_mss = false;
  bool has_wscale = false;
  bool sack_permitted = false;
  bool has_ts = false;
  bool has_fast_open = false;
  std::uint8_t fast_open_len = 0;           // 0: a cookie is asked for
  SackBlock sack[kMaxSackBlocks];

  void clear() noexcept {
    n_sack = 0;
    has_mss = has_wscale = sack_permitted = has_ts = has_fast_open = false;
  }
  [[nodiscard]] std::span<const SackBlock> sack_blocks() const noexcept { return {sack, n_sack}; }
};
static_assert(sizeof(TcpOptions) <= 64);

// The general parser; parse_tcp_options() is the door.
void parse_tcp_options_slow(std::span<const std::uint8_t> bytes, bool syn, TcpOptions& out) noexcept;

// Reads the options between a TCP header's byte 20 and its data offset into `out`,
// which it clears first. Never fails: parsing stops at the end-of-list option, or
// where a length is 0, 1, or points past the last byte; what was read till then counts.
// Unknown kinds, and known kinds with another length than theirs, are skipped; of a kind that comes twice the last counts.
// MSS, window scale, SACK-permitted and Fast Open count on a SYN only, SACK blocks elsewhere only.
// Reads nothing outside `bytes`.
inline void parse_tcp_options(std::span<const std::uint8_t> bytes, bool syn, TcpOptions& out) noexcept {
  out.clear();
  if (bytes.empty()) return;
  // NOP NOP TS alone (RFC 7323 appendix A): nearly every segment of nearly every connection.
  if (bytes.size() == kTcpTimestampsPadded && load_be32(bytes.data()) == 0x0101080a) [[likely]] {
    out.has_ts = true;
    out.tsval = load_be32(bytes.data() + 4);
    out.tsecr = load_be32(bytes.data() + 8);
    return;
  }
  parse_tcp_options_slow(bytes, syn, out);
}

// Writes NOP NOP TS, or with `sack_permitted` that in the NOPs' place, kTcpTimestampsPadded bytes; returns their sum: reading
// them back would cost more.
inline CsumSum write_timestamps(std::uint8_t* out, std::uint32_t tsval, std::uint32_t tsecr, bool sack_permitted = false) noexcept {
  const std::uint32_t head = __builtin_bswap32(sack_permitted ? 0x0402080a : 0x0101080a);
  tsval = __builtin_bswap32(tsval);
  tsecr = __builtin_bswap32(tsecr);
  store_native(out, std::uint64_t{tsval} << 32U | head);
  store_native(out + 8, tsecr);
  return CsumSum{head} + tsval + tsecr;
}

// Which of a SYN's options there are, and what they say.
struct SynOptions {
  bool has_mss, has_ts, sack_permitted, has_wscale;
  std::uint16_t mss;
  std::uint8_t wscale;
  std::uint32_t tsval, tsecr;
};
// Writes them in their order, with NOPs before or behind; returns the number of bytes, a multiple of 4.
[[gnu::always_inline]] inline std::size_t write_syn_options(std::uint8_t* out, const SynOptions& o) noexcept {
  std::uint8_t* p = out;
  if (o.has_mss) {
    store_be32(p, std::uint32_t{kOptMss} << 24U | 4U << 16U | o.mss);
    p += 4;
  }
  if (o.has_ts) {
    write_timestamps(p, o.tsval, o.tsecr, o.sack_permitted);
    p += kTcpTimestampsPadded;
  } else if (o.sack_permitted) {
    store_be32(p, 0x01010000U | kOptSackPermitted << 8U | 2U);
    p += 4;
  }
  if (o.has_wscale) {
    store_be32(p, 0x01000300U | std::uint32_t{kOptWindowScale} << 16U | o.wscale);
    p += 4;
  }
  return static_cast<std::size_t>(p - out);
}

// Bytes that write_tcp_options() will write: a multiple of 4, at most kTcpOptionsMax.
[[nodiscard]] std::size_t tcp_options_size(const TcpOptions& options) noexcept;

// Writes what the flags ask for, padded with NOPs to 32-bit boundaries, and returns the
// number of bytes. On a SYN: MSS, SACK-permitted, TS, window scale, Fast Open; elsewhere: TS, SACK.
// SACK blocks that do not fit beside the rest (three fit with timestamps, four
// without) are left out from the end.
std::size_t write_tcp_options(std::uint8_t* out, const TcpOptions& options) noexcept;

}  // namespace sluice::wire
