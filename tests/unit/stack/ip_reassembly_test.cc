// SPDX-License-Identifier: BSD-3-Clause
// Reassembly against a naive model: a map from byte to value, and a list of the fragments that are there.
#include "stack/ip_reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "port/memory_port.h"

namespace sluice::stack {
namespace {

using Result = Reassembly::Result;
using Bytes = std::vector<std::uint8_t>;

IpAddress address(bool v4, std::uint8_t last) {
  return v4 ? IpAddress::v4(10, 0, 0, last) : IpAddress{{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
}

struct Piece {
  std::uint32_t offset;
  bool more;
  Bytes bytes;
  std::uint8_t ecn;

  [[nodiscard]] std::uint32_t end() const { return offset + static_cast<std::uint32_t>(bytes.size()); }
  friend bool operator==(const Piece& a, const Piece& b) {
    return a.offset == b.offset && a.more == b.more && a.bytes == b.bytes;
  }
};

struct Key {
  bool v4;
  std::uint8_t src;
  std::uint32_t id;
  std::uint8_t protocol;  // counts for IPv4
  friend bool operator==(const Key& a, const Key& b) {
    return a.v4 == b.v4 && a.src == b.src && a.id == b.id && (!a.v4 || a.protocol == b.protocol);
  }
};

// The same rules, without a thought for speed.
class Model {
 public:
  explicit Model(std::size_t most) : most_(most) {}

  Result add(const Key& key, const Piece& piece, Instant now, Bytes& out) {
    expire(now);
    auto at = std::find_if(all_.begin(), all_.end(), [&](const Datagram& d) { return d.key == key; });
    if (at == all_.end()) {
      if (all_.size() == most_) all_.pop_front();
      all_.push_back({key, now, {}, false});
      at = std::prev(all_.end());
    }
    if (at->spoilt) return Result::kOverlap;
    const Result result = judge(*at, piece);
    if (result == Result::kHeld || result == Result::kDuplicate) return result;
    if (result == Result::kOverlap && !key.v4) {
      at->spoilt = true;
      return result;
    }
    if (result == Result::kComplete) {
      for (const Piece& p : at->pieces) {
        out.resize(std::max<std::size_t>(out.size(), p.end()));
        std::copy(p.bytes.begin(), p.bytes.end(), out.begin() + p.offset);
      }
    }
    all_.erase(at);
    return result;
  }
  void expire(Instant now) {
    all_.remove_if([&](const Datagram& d) {
      return d.since + (d.key.v4 ? Reassembly::kTimeoutV4 : Reassembly::kTimeoutV6) <= now;
    });
  }
  [[nodiscard]] std::size_t pending() const { return all_.size(); }
  [[nodiscard]] std::size_t buffers() const {
    return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const Datagram& d) { return !d.spoilt; }));
  }

 private:
  struct Datagram {
    Key key;
    Instant since;
    std::vector<Piece> pieces;
    bool spoilt = false;
  };
  static std::uint32_t blocks(const Piece& p) { return (p.end() + 7) / 8 * 8; }
  static Result judge(Datagram& d, const Piece& piece) {
    if (piece.end() > kBufRoom - kBufHeadroom) return Result::kTooLarge;
    for (const Piece& p : d.pieces) {
      if (p == piece) return Result::kDuplicate;
    }
    for (const Piece& p : d.pieces) {
      if (p.offset < blocks(piece) && piece.offset < blocks(p)) return Result::kOverlap;
    }
    for (const Piece& p : d.pieces) {
      if (!p.more && (!piece.more || piece.end() > p.end())) return Result::kBad;
      if (!piece.more && p.offset > piece.offset) return Result::kBad;
    }
    d.pieces.push_back(piece);
    std::uint32_t total = 0;
    std::size_t sum = 0;
    bool ce = false;
    bool not_ect = false;
    for (const Piece& p : d.pieces) {
      sum += p.bytes.size();
      if (!p.more) total = p.end();
      ce = ce || p.ecn == 3;
      not_ect = not_ect || p.ecn == 0;
    }
    if (total == 0 || sum != total) return Result::kHeld;
    return ce && not_ect ? Result::kBad : Result::kComplete;
  }
  std::size_t most_;
  std::list<Datagram> all_;
};

struct Bench {
  port::MemoryBufSource source{256};
  BufPool bufs{source};
  Reassembly reassembly;

  explicit Bench(std::uint32_t datagrams) : reassembly(datagrams, SipKey{1, 2}, bufs) {}

  void on_timer(Instant now) {
    reassembly.on_timer(now, [this](const Unfinished& left) { told.push_back(left); });
  }
  std::vector<Unfinished> told;  // the buffers are gone

  Result add(const Key& key, const Piece& piece, Instant now, Bytes* payload = nullptr, Reassembled* whole = nullptr) {
    wire::IpFragment f;
    f.src = address(key.v4, key.src);
    f.dst = address(key.v4, 1);
    f.id = key.id;
    f.offset = piece.offset;
    f.more = piece.more;
    f.protocol = key.protocol;
    f.tos = piece.ecn;
    f.bytes = piece.bytes;
    on_timer(now);
    Reassembled out;
    const Result result = reassembly.add(f, 0, now, out);
    if (result == Result::kComplete) {
      if (payload != nullptr) payload->assign(out.buf->data, out.buf->end());
      if (whole != nullptr) *whole = out;
      bufs.release(out.buf);
    }
    return result;
  }
};

TEST(ReassemblyTest, AgreesWithANaiveModel) {
  const char* given = std::getenv("SLUICE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 20'261'122;
  SCOPED_TRACE(seed);
  Rng rng(seed);
  constexpr std::size_t kMost = 8;
  Bench bench(kMost);
  Model model(kMost);
  Instant now = Instant{} + Duration::seconds(1);
  std::array<unsigned, 8> seen{};
  for (int step = 0; step < 200'000; ++step) {
    const Key key{rng.below(2) == 0, static_cast<std::uint8_t>(2 + rng.below(2)), rng.below(4),
                  static_cast<std::uint8_t>(rng.below(8) == 0 ? 1 : 6)};
    // Mostly cuts of one text into stretches of 16 or 24 bytes, so that datagrams are completed; sometimes anything.
    const std::uint32_t width = rng.below(2) == 0 ? 16 : 24;
    Piece piece{};
    piece.offset = width * rng.below(3);
    piece.more = piece.offset != 2 * width;
    std::uint32_t len = piece.more ? width : width - 8 + 1 + key.src;
    if (rng.below(16) == 0) piece.offset = 8 * rng.below(260);
    if (rng.below(32) == 0) piece.more = !piece.more;
    if (rng.below(16) == 0) len = 1 + rng.below(64);
    if (piece.more) len = std::max(8U, len / 8 * 8);
    for (std::uint32_t i = 0; i < len; ++i) piece.bytes.push_back(static_cast<std::uint8_t>((piece.offset + i) * 7));
    if (rng.below(32) == 0) piece.bytes.back() ^= 1U;
    piece.ecn = static_cast<std::uint8_t>(rng.below(16) == 0 ? rng.below(4) : 2);
    now = now + Duration::milliseconds(rng.below(2000) == 0 ? 31'000 : 1 + rng.below(20));
    Bytes want;
    Bytes got;
    const Result expected = model.add(key, piece, now, want);
    ASSERT_EQ(bench.add(key, piece, now, &got), expected) << "step " << step;
    ASSERT_EQ(got, want) << "step " << step;
    ASSERT_EQ(bench.reassembly.pending(), model.pending()) << "step " << step;
    ASSERT_EQ(bench.bufs.in_use(), model.buffers()) << "step " << step;
    ++seen.at(static_cast<std::size_t>(expected));
  }
  for (const Result result : {Result::kHeld, Result::kComplete, Result::kDuplicate, Result::kOverlap, Result::kBad, Result::kTooLarge}) {
    EXPECT_GT(seen.at(static_cast<std::size_t>(result)), 100U) << static_cast<int>(result);
  }
  bench.reassembly.clear();
  EXPECT_EQ(bench.bufs.in_use(), 0U);
}

Piece cut(std::uint32_t from, std::uint32_t to, bool more, std::uint8_t ecn = 2) {
  Piece p{from, more, {}, ecn};
  p.bytes.assign(to - from, 'x');
  return p;
}

TEST(ReassemblyTest, OneMarkedFragmentMarksTheDatagram) {
  Bench bench(4);
  Reassembled whole;
  const Key key{true, 2, 1, 6};
  EXPECT_EQ(bench.add(key, cut(0, 24, true, 2), Instant{}), Result::kHeld);
  EXPECT_EQ(bench.add(key, cut(24, 30, false, 3), Instant{}, nullptr, &whole), Result::kComplete);
  EXPECT_EQ(whole.tos & 3U, 3U);
  EXPECT_EQ(bench.add(key, cut(0, 24, true, 0), Instant{}), Result::kHeld);
  EXPECT_EQ(bench.add(key, cut(24, 30, false, 3), Instant{}), Result::kBad) << "a mark on what cannot carry one";
}

TEST(ReassemblyTest, ItsTimeEndsEarlierForIpv4) {
  Bench bench(4);
  const Instant start = Instant{} + Duration::seconds(5);
  EXPECT_EQ(bench.reassembly.next_check(), Instant::never());
  EXPECT_EQ(bench.add({false, 2, 1, 6}, cut(0, 24, true), start), Result::kHeld);
  EXPECT_EQ(bench.add({true, 2, 1, 6}, cut(0, 24, true), start + Duration::seconds(1)), Result::kHeld);
  EXPECT_EQ(bench.reassembly.next_check(), start + Duration::seconds(31));
  bench.on_timer(start + Duration::seconds(31));
  EXPECT_EQ(bench.reassembly.pending(), 1U);
  EXPECT_EQ(bench.reassembly.next_check(), start + Duration::seconds(60));
  bench.on_timer(start + Duration::seconds(60));
  EXPECT_EQ(bench.reassembly.counters().timeouts, 2U);
  EXPECT_EQ(bench.bufs.in_use(), 0U);
}

TEST(ReassemblyTest, TheFirstFragmentIsShownWhenTimeIsOver) {
  Bench bench(8);
  EXPECT_EQ(bench.add({true, 2, 1, 6}, cut(0, 24, true), Instant{}), Result::kHeld);
  EXPECT_EQ(bench.add({true, 2, 1, 6}, cut(24, 48, true), Instant{}), Result::kHeld);
  EXPECT_EQ(bench.add({false, 2, 2, 6}, cut(0, 32, true), Instant{}), Result::kHeld);
  EXPECT_EQ(bench.add({true, 2, 3, 6}, cut(24, 48, true), Instant{}), Result::kHeld);
  bench.on_timer(Instant{} + Duration::seconds(60));
  ASSERT_EQ(bench.told.size(), 2U) << "of the third the first fragment never came";
  EXPECT_EQ(bench.told[0].id, 1U);
  EXPECT_EQ(bench.told[0].len, 24U);
  EXPECT_EQ(bench.told[1].id, 2U);
  EXPECT_EQ(bench.told[1].len, 32U);
  EXPECT_EQ(bench.reassembly.counters().timeouts, 3U);
}

TEST(ReassemblyTest, WhatIsSpoiltHoldsNoBufferAndIsNotShown) {
  Bench bench(8);
  EXPECT_EQ(bench.add({false, 2, 1, 6}, cut(0, 24, true), Instant{}), Result::kHeld);
  EXPECT_EQ(bench.add({false, 2, 1, 6}, cut(16, 32, true), Instant{}), Result::kOverlap);
  EXPECT_EQ(bench.bufs.in_use(), 0U);
  EXPECT_EQ(bench.add({false, 2, 1, 6}, cut(24, 30, false), Instant{}), Result::kOverlap);
  bench.on_timer(Instant{} + Duration::seconds(60));
  EXPECT_TRUE(bench.told.empty());
  EXPECT_EQ(bench.add({false, 2, 1, 6}, cut(24, 30, false), Instant{} + Duration::seconds(61)), Result::kHeld) << "a new one";
}

TEST(ReassemblyTest, TheOldestOfBothFamiliesGivesWay) {
  Bench bench(2);
  EXPECT_EQ(bench.add({false, 2, 1, 6}, cut(0, 24, true), Instant{1}), Result::kHeld);
  EXPECT_EQ(bench.add({true, 2, 1, 6}, cut(0, 24, true), Instant{2}), Result::kHeld);
  EXPECT_EQ(bench.add({true, 2, 2, 6}, cut(0, 24, true), Instant{3}), Result::kHeld);
  EXPECT_EQ(bench.add({true, 2, 1, 6}, cut(24, 30, false), Instant{4}), Result::kComplete) << "the IPv6 one was older";
}

TEST(ReassemblyTest, WithoutABufferNothingIsKept) {
  Bench bench(4);
  std::vector<Buf*> taken;
  while (Buf* buf = bench.bufs.take()) taken.push_back(buf);
  EXPECT_EQ(bench.add({true, 2, 1, 6}, cut(0, 24, true), Instant{}), Result::kNoBuffer);
  EXPECT_EQ(bench.reassembly.pending(), 0U);
  for (Buf* buf : taken) bench.bufs.release(buf);
}

}  // namespace
}  // namespace sluice::stack
