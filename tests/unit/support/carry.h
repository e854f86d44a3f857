// SPDX-License-Identifier: BSD-3-Clause
// Frames for the tests of the bad wire, and what takes them through it, be it a line or a port behind one.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "support/impair/line.h"

namespace sluice::test {

inline constexpr std::int64_t kMs = 1'000'000;
inline constexpr std::uint32_t kPercent = kMillion / 100;
using Bytes = std::vector<std::uint8_t>;

struct Timed {
  Bytes bytes;
  std::int64_t at;  // ns
  bool operator==(const Timed&) const = default;
};

// An IPv4 frame that says which one it is.
inline Bytes numbered(std::uint32_t n, std::size_t size = 100) {
  Bytes out(size, 0x55);
  out[12] = 0x08;
  out[13] = 0x00;
  for (unsigned i = 0; i < 4; ++i) out[14 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return out;
}
inline std::uint32_t number_of(const Bytes& b) { return static_cast<std::uint32_t>(b[14] | b[15] << 8 | b[16] << 16 | b[17] << 24); }

// Numbered frames, one every `gap_ns`.
inline std::vector<Timed> every(std::int64_t gap_ns, std::uint32_t frames, std::size_t size = 100) {
  std::vector<Timed> out;
  for (std::uint32_t n = 0; n < frames; ++n) out.push_back({numbered(n, size), n * gap_ns});
  return out;
}

// An IPv4 or IPv6 frame of a TCP segment between these ports.
inline Bytes segment(std::uint32_t from, std::uint32_t to, bool v4) {
  Bytes out = numbered(0, 1000);
  if (!v4) out[12] = 0x86, out[13] = 0xdd;
  out[14] = 0x45;
  out[v4 ? 23 : 20] = 6;
  const std::size_t at = v4 ? 34 : 54;
  out[at] = static_cast<std::uint8_t>(from >> 8U), out[at + 1] = static_cast<std::uint8_t>(from);
  out[at + 2] = static_cast<std::uint8_t>(to >> 8U), out[at + 3] = static_cast<std::uint8_t>(to);
  return out;
}

// A way for frames: put() sends one off, take() fetches what has arrived at an instant, next_ns() says when something does.
class LineWay {
 public:
  explicit LineWay(Line& line) : line_(line) {}
  void put(const Bytes& frame, std::int64_t at, std::vector<Timed>&) { line_.take(frame, at); }
  [[nodiscard]] std::int64_t next_ns() const { return line_.next_ns(); }
  void take(std::int64_t at, std::vector<Timed>& out) {
    std::array<Line::Leaving, 1> one;
    EXPECT_EQ(line_.arrived(one, at), 1U);
    out.push_back({Bytes(one[0].data, one[0].data + one[0].len), at});
    line_.done(one[0]);
  }

 private:
  Line& line_;
};

// Takes frames through, each fetched at once when it has arrived; what came out, and when.
template <class Way>
std::vector<Timed> carry(Way way, const std::vector<Timed>& frames) {
  std::vector<Timed> out;
  const auto fetch = [&](std::int64_t until) {
    for (std::int64_t at = way.next_ns(); at <= until; at = way.next_ns()) way.take(at, out);
  };
  for (const Timed& frame : frames) {
    fetch(frame.at);
    way.put(frame.bytes, frame.at, out);
  }
  fetch(INT64_MAX - 1);
  return out;
}
inline std::vector<Timed> carry(Line& line, const std::vector<Timed>& frames) { return carry(LineWay(line), frames); }

}  // namespace sluice::test
