// SPDX-License-Identifier: BSD-3-Clause
// A segment as a dialogue speaks of it: flags first, then what else is said about it.
// Sequence numbers are relative: a sender's ISN is 0, its first byte 1. Windows are the
// header's 16 bits.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::script {

inline constexpr unsigned FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10, URG = 0x20, ECE = 0x40,
                          CWR = 0x80;

using Block = std::pair<std::uint32_t, std::uint32_t>;

struct Spoken {
  unsigned flags = 0;
  std::optional<std::uint32_t> seq, ack;
  std::optional<std::uint16_t> win, urgent, mss;
  std::optional<std::uint8_t> wscale;
  bool sack_permitted = false;
  bool timestamps = false;                   // offered (on a peer's SYN)
  bool without_timestamps = false;           // left out although negotiated
  std::optional<std::uint32_t> tsval, tsecr;
  std::vector<Block> sack;
  std::string data;                          // literal text
  std::uint32_t bytes = 0;                   // or so many of the stream's pattern, as its place says
  std::string options;                       // raw, after the others
  std::optional<std::chrono::microseconds> after;
  bool pushed = false;
  bool ce = false;                           // said: the packet was marked on its way
  bool ect = false;                          // expected: it may be
  const char* file = "";
  int line = 0;

  [[nodiscard]] std::uint32_t len() const { return bytes + static_cast<std::uint32_t>(data.size()); }
};

// The flags of a line, and where in the script it stands.
struct Line {
  Line(unsigned f, const char* at_file = __builtin_FILE(), int at_line = __builtin_LINE())  // NOLINT: implicit
      : flags(f), file(at_file), line(at_line) {}
  unsigned flags;
  const char* file;
  int line;
};

inline auto seq(std::uint32_t n) { return [n](Spoken& s) { s.seq = n; }; }
inline auto ack(std::uint32_t n) { return [n](Spoken& s) { s.ack = n; }; }
inline auto win(std::uint32_t n) { return [n](Spoken& s) { s.win = static_cast<std::uint16_t>(n); }; }
inline auto data(std::string_view text) { return [text](Spoken& s) { s.data = text; }; }
// So many bytes of the pattern that every stream consists of, see pattern().
inline auto bytes(std::uint32_t n) { return [n](Spoken& s) { s.bytes = n; }; }
inline auto urgent(std::uint32_t n) { return [n](Spoken& s) { s.urgent = static_cast<std::uint16_t>(n); }; }
inline auto mss(std::uint32_t n) { return [n](Spoken& s) { s.mss = static_cast<std::uint16_t>(n); }; }
inline auto wscale(std::uint32_t n) { return [n](Spoken& s) { s.wscale = static_cast<std::uint8_t>(n); }; }
inline auto sack_permitted() { return [](Spoken& s) { s.sack_permitted = true; }; }
inline auto timestamps() { return [](Spoken& s) { s.timestamps = true; }; }
inline auto without_timestamps() { return [](Spoken& s) { s.without_timestamps = true; }; }
inline auto tsval(std::uint32_t n) { return [n](Spoken& s) { s.tsval = n; }; }
inline auto tsecr(std::uint32_t n) { return [n](Spoken& s) { s.tsecr = n; }; }
inline auto sack(std::vector<Block> blocks) {
  return [blocks = std::move(blocks)](Spoken& s) { s.sack = blocks; };
}
inline auto options(std::initializer_list<unsigned> raw) {
  std::string text;
  for (const unsigned byte : raw) text.push_back(static_cast<char>(byte));
  return [text](Spoken& s) { s.options = text; };
}
inline auto ce() { return [](Spoken& s) { s.ce = true; }; }
inline auto ect() { return [](Spoken& s) { s.ect = true; }; }
// The Fast Open option (RFC 7413), raw; without a cookie it asks for one.
inline auto fast_open(const std::string& cookie = {}) {
  std::string text = "\x22";
  text.push_back(static_cast<char>(2 + cookie.size()));
  return [text = text + cookie](Spoken& s) { s.options = text; };
}
inline auto push() { return [](Spoken& s) { s.pushed = true; }; }
// Expected so long after the last thing that the peer or the application did; up to 1 ms later is fine.
inline auto after(std::chrono::microseconds t) { return [t](Spoken& s) { s.after = t; }; }

template <typename... Attributes>
Spoken spoken(Line line, const Attributes&... attributes) {
  Spoken s;
  s.flags = line.flags;
  s.file = line.file;
  s.line = line.line;
  (attributes(s), ...);
  return s;
}

// Byte `offset` of any stream. No short period, so that a misplaced piece shows.
[[nodiscard]] inline char pattern(std::uint32_t offset) {
  return static_cast<char>((offset * 2654435761U) >> 24U ^ offset);
}
[[nodiscard]] inline std::string pattern_text(std::uint32_t from, std::uint32_t n) {
  std::string text(n, '\0');
  for (std::uint32_t i = 0; i < n; ++i) text[i] = pattern(from + i);
  return text;
}

}  // namespace sluice::script
