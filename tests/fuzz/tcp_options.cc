// SPDX-License-Identifier: BSD-3-Clause
// The parser of TCP options beside a naive one, and what is written is read back the same.
#include <algorithm>
#include <vector>

#include "fuzz/input.h"
#include "wire/tcp_options.h"

namespace sluice::fuzz {
namespace {

std::uint32_t be(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t b : bytes) value = value << 8U | b;
  return value;
}

// By the letter of wire/tcp_options.h, one option at a time.
wire::TcpOptions naive(std::span<const std::uint8_t> bytes, bool syn) {
  wire::TcpOptions out;
  std::size_t at = 0;
  while (at < bytes.size() && bytes[at] != wire::kOptEnd) {
    if (bytes[at] == wire::kOptNop) {
      ++at;
      continue;
    }
    if (at + 1 >= bytes.size()) break;
    const std::size_t len = bytes[at + 1];
    if (len < 2 || at + len > bytes.size()) break;
    const auto value = bytes.subspan(at + 2, len - 2);
    switch (bytes[at]) {
      case wire::kOptMss:
        if (syn && len == 4) out.has_mss = true, out.mss = static_cast<std::uint16_t>(be(value));
        break;
      case wire::kOptWindowScale:
        if (syn && len == 3) out.has_wscale = true, out.wscale = value[0];
        break;
      case wire::kOptSackPermitted:
        if (syn && len == 2) out.sack_permitted = true;
        break;
      case wire::kOptTimestamps:
        if (len == 10) out.has_ts = true, out.tsval = be(value.first(4)), out.tsecr = be(value.subspan(4));
        break;
      case wire::kOptSack:
        if (syn || (len - 2) % 8 != 0 || len == 2) break;
        out.n_sack = 0;  // the last one counts
        for (std::size_t i = 0; i + 8 <= value.size() && out.n_sack < wire::kMaxSackBlocks; i += 8) {
          out.sack[out.n_sack++] = {SeqNum(be(value.subspan(i, 4))), SeqNum(be(value.subspan(i + 4, 4)))};
        }
        break;
      default: break;
    }
    at += len;
  }
  return out;
}

void same(const wire::TcpOptions& a, const wire::TcpOptions& b, const char* what) {
  require(a.has_mss == b.has_mss && (!a.has_mss || a.mss == b.mss), what, "MSS");
  require(a.has_wscale == b.has_wscale && (!a.has_wscale || a.wscale == b.wscale), what, "window scale");
  require(a.sack_permitted == b.sack_permitted, what, "SACK-permitted");
  require(a.has_ts == b.has_ts && (!a.has_ts || (a.tsval == b.tsval && a.tsecr == b.tsecr)), what, "timestamps");
  require(a.n_sack == b.n_sack && std::equal(a.sack, a.sack + a.n_sack, b.sack), what, "SACK blocks");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::fuzz;
  if (size == 0) return 0;
  const bool syn = (data[0] & 1U) != 0;
  // A copy of its own, so that a sanitizer sees a read beyond its end.
  const std::vector<std::uint8_t> bytes(data + 1, data + std::min<std::size_t>(size, 1 + wire::kTcpOptionsMax));
  wire::TcpOptions parsed;
  wire::parse_tcp_options(bytes, syn, parsed);
  same(parsed, naive(bytes, syn), "the naive parser reads something else");
  std::uint8_t room[wire::kTcpOptionsMax];
  const std::size_t expected = wire::tcp_options_size(parsed);
  require(expected <= wire::kTcpOptionsMax && expected % 4 == 0, "the size of options to write");
  require(wire::write_tcp_options(room, parsed) == expected, "another size was written");
  wire::TcpOptions back;
  wire::parse_tcp_options({room, expected}, syn, back);
  require(back.n_sack <= parsed.n_sack && back.n_sack + 1U >= parsed.n_sack, "SACK blocks left out that fit");
  parsed.n_sack = back.n_sack;
  same(parsed, back, "written, it is read as something else");
  return 0;
}
