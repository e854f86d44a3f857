// SPDX-License-Identifier: BSD-3-Clause
#include "wire/tcp_options.h"

#include <algorithm>
#include <cstring>

namespace sluice::wire {

namespace {

constexpr std::size_t kSackHeadPadded = 4;  // NOP NOP kind length
constexpr std::size_t kSackBlock = 8;

// One option whose `len` bytes (kind and length included) are known to be there.
void read_option(const std::uint8_t* p, std::size_t len, bool syn, TcpOptions& out) noexcept {
  switch (p[0]) {
    case kOptMss:
      if (syn && len == 4) {
        out.has_mss = true;
        out.mss = load_be16(p + 2);
      }
      break;
    case kOptWindowScale:
      if (syn && len == 3) {
        out.has_wscale = true;
        out.wscale = p[2];
      }
      break;
    case kOptSackPermitted:
      if (syn && len == 2) out.sack_permitted = true;
      break;
    case kOptTimestamps:
      if (len == 10) {
        out.has_ts = true;
        out.tsval = load_be32(p + 2);
        out.tsecr = load_be32(p + 6);
      }
      break;
    case kOptSack:
      if (!syn && len > 2 && (len - 2) % kSackBlock == 0) {
        const std::size_t n = std::min<std::size_t>((len - 2) / kSackBlock, kMaxSackBlocks);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint8_t* block = p + 2 + i * kSackBlock;
          out.sack[i] = {SeqNum(load_be32(block)), SeqNum(load_be32(block + 4))};
        }
        out.n_sack = static_cast<std::uint8_t>(n);
      }
      break;
    case kOptFastOpen:
      if (syn && (len == 2 || (len >= 2 + kFastOpenMin && len <= 2 + kFastOpenMax && len % 2 == 0))) {
        out.has_fast_open = true;
        out.fast_open = p + 2;
        out.fast_open_len = static_cast<std::uint8_t>(len - 2);
      }
      break;
    default:
      break;  // RFC 9293 3.2: unknown options are ignored
  }
}

// SACK blocks that fit behind `used` bytes.
std::size_t sack_blocks_that_fit(const TcpOptions& options, std::size_t used) noexcept {
  const std::size_t room = kTcpOptionsMax - used;
  if (room < kSackHeadPadded) return 0;
  return std::min<std::size_t>(options.n_sack, (room - kSackHeadPadded) / kSackBlock);
}

// Bytes before any SACK blocks.
std::size_t size_without_sack(const TcpOptions& options) noexcept {
  std::size_t n = 0;
  if (options.has_mss) n += 4;
  if (options.has_ts) n += kTcpTimestampsPadded;  // SACK-permitted takes the place of its NOPs
  else if (options.sack_permitted) n += 4;
  if (options.has_wscale) n += 4;
  if (options.has_fast_open) n += (2U + options.fast_open_len + 3U) & ~std::size_t{3};
  return n;
}

}  // namespace

void parse_tcp_options_slow(std::span<const std::uint8_t> bytes, bool syn, TcpOptions& out) noexcept {
  const std::uint8_t* p = bytes.data();
  std::size_t left = std::min(bytes.size(), kTcpOptionsMax);
  while (left > 0) {
    if (p[0] == kOptEnd) return;
    if (p[0] == kOptNop) {
      ++p;
      --left;
      continue;
    }
    if (left < 2) return;
    const std::size_t len = p[1];
    if (len < 2 || len > left) return;
    read_option(p, len, syn, out);
    p += len;
    left -= len;
  }
}

std::size_t tcp_options_size(const TcpOptions& options) noexcept {
  const std::size_t n = size_without_sack(options);
  const std::size_t blocks = sack_blocks_that_fit(options, n);
  return blocks == 0 ? n : n + kSackHeadPadded + blocks * kSackBlock;
}

std::size_t write_tcp_options(std::uint8_t* out, const TcpOptions& options) noexcept {
  std::uint8_t* p = out;
  p += write_syn_options(p, {options.has_mss, options.has_ts, options.sack_permitted, options.has_wscale, options.mss, options.wscale,
                             options.tsval, options.tsecr});
  if (options.has_fast_open) [[unlikely]] {
    *p++ = kOptFastOpen;
    *p++ = static_cast<std::uint8_t>(2 + options.fast_open_len);
    if (options.fast_open_len != 0) std::memcpy(p, options.fast_open, options.fast_open_len);
    p += options.fast_open_len;
    while ((p - out) % 4 != 0) *p++ = kOptNop;
  }
  const std::size_t blocks = sack_blocks_that_fit(options, static_cast<std::size_t>(p - out));
  if (blocks > 0) {
    store_be32(p, 0x01010000U | std::uint32_t{kOptSack} << 8U | static_cast<std::uint32_t>(2 + blocks * kSackBlock));
    p += kSackHeadPadded;
    for (std::size_t i = 0; i < blocks; ++i) {
      store_be32(p, options.sack[i].left.value());
      store_be32(p + 4, options.sack[i].right.value());
      p += kSackBlock;
    }
  }
  return static_cast<std::size_t>(p - out);
}

}  // namespace sluice::wire
