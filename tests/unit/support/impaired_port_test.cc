// SPDX-License-Identifier: BSD-3-Clause
// A port behind a bad wire: its frames fare as impair's do, it is a port otherwise, and its books balance.
#include "support/impair/impaired_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "port/memory_port.h"
#include "unit/support/carry.h"

namespace sluice::test {
namespace {

constexpr Impairment kBad{.delay_ns = 3 * kMs,
                          .jitter_ns = kMs,
                          .loss_ppm = 3 * kPercent,
                          .duplicate_ppm = 4 * kPercent,
                          .corrupt_ppm = 5 * kPercent,
                          .reorder_ppm = 6 * kPercent,
                          .rate_bps = 20'000'000,
                          .buffer_bytes = 3000};

// A memory port, impaired alike both ways.
struct Impaired {
  explicit Impaired(const Impairment& bad, std::uint64_t seed = 7, std::size_t buffers = 1024, bool strips_vlan = false)
      : source(buffers), memory(source, {.name = "inner", .index = 5, .capabilities = {.rx_tcp_csum = true}, .strips_vlan = strips_vlan}),
        port(memory, source, {bad, bad}, seed) {}
  // The user takes a frame of these bytes from its pool, and the port takes it from the user.
  void transmit(const Bytes& bytes, std::int64_t at) {
    Buf* buf = pool.take();
    ASSERT_NE(buf, nullptr);
    std::copy(bytes.begin(), bytes.end(), buf->data);
    buf->len = static_cast<std::uint32_t>(bytes.size());
    ASSERT_EQ(port.transmit(0, std::span(&buf, 1), pool, Instant{at}), 1U);
    pool.disown();
  }
  port::MemoryBufSource source;
  port::MemoryPort memory;
  ImpairedPort port;
  BufPool pool{source};
};

class PortWay {
 public:
  explicit PortWay(Impaired& impaired) : impaired_(impaired) {}
  [[nodiscard]] std::int64_t next_ns() const { return impaired_.port.next().ns; }

 protected:
  Impaired& impaired_;
};

// From the user to the wire.
class SentWay : public PortWay {
 public:
  using PortWay::PortWay;
  [[nodiscard]] static const Line& line(const Impaired& impaired) { return impaired.port.sent(); }
  void put(const Bytes& frame, std::int64_t at, std::vector<Timed>& out) {
    impaired_.transmit(frame, at);
    fetch(out);
  }
  void take(std::int64_t at, std::vector<Timed>& out) {
    EXPECT_EQ(impaired_.port.receive(0, {}, Instant{at}), 0U);
    fetch(out);
  }

 private:
  void fetch(std::vector<Timed>& out) {
    while (auto sent = impaired_.memory.take_sent()) out.push_back({std::move(sent->bytes), sent->at.ns});
  }
};

// From the wire to the user.
class ReceivedWay : public PortWay {
 public:
  using PortWay::PortWay;
  [[nodiscard]] static const Line& line(const Impaired& impaired) { return impaired.port.received(); }
  void put(const Bytes& frame, std::int64_t at, std::vector<Timed>& out) {
    impaired_.memory.inject(frame, Instant{at});
    take(at, out);
  }
  void take(std::int64_t at, std::vector<Timed>& out) {
    std::array<Buf*, 3> bufs;
    while (const std::size_t n = impaired_.port.receive(0, bufs, Instant{at})) {
      for (Buf* buf : std::span(bufs).first(n)) {
        EXPECT_EQ(buf->refs, 1);
        EXPECT_EQ(buf->port, 5);
        EXPECT_EQ(buf->flags, 0);
        EXPECT_EQ(buf->headroom(), kBufHeadroom);
        out.push_back({Bytes(buf->data, buf->end()), at});
        impaired_.pool.adopt(buf);
        impaired_.pool.release(buf);
      }
    }
  }
};

template <class Way>
class EitherWay : public testing::Test {};
using Ways = testing::Types<SentWay, ReceivedWay>;
TYPED_TEST_SUITE(EitherWay, Ways);

TYPED_TEST(EitherWay, WithoutImpairmentsFramesPassAtOnce) {
  Impaired impaired({});
  const auto frames = every(1000, 500);
  EXPECT_EQ(carry(TypeParam(impaired), frames), frames);
  EXPECT_EQ(impaired.port.next(), Instant::never());
}

// impair gives its line from A to B the seed, that from B to A the next one.
TYPED_TEST(EitherWay, FramesFareAsOnImpairsLine) {
  const bool sent = std::is_same_v<TypeParam, SentWay>;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    const auto frames = every(kMs / 5, 2000, 600);
    Line line(kBad, sent ? seed : seed + 1, 1024, 2048);
    Impaired impaired(kBad, seed);
    const auto got = carry(TypeParam(impaired), frames);
    ASSERT_EQ(got, carry(line, frames));
    EXPECT_NE(got, frames);
    Impaired again(kBad, seed);
    EXPECT_EQ(carry(TypeParam(again), frames), got);
    Impaired other(kBad, seed + 2);
    EXPECT_NE(carry(TypeParam(other), frames), got);
    for (const std::uint64_t count : {line.counts().lost, line.counts().duplicated, line.counts().corrupted, line.counts().reordered,
                                      line.counts().overflowed}) {
      EXPECT_GT(count, 0U) << "some of each fate";
    }
  }
}

// Segments between these ports, one every millisecond, numbered at their ends.
std::vector<Timed> flow(std::uint16_t from, std::uint16_t to, std::uint32_t frames) {
  std::vector<Timed> out;
  for (std::uint32_t n = 0; n < frames; ++n) {
    Bytes bytes = segment(from, to, true);
    bytes[998] = static_cast<std::uint8_t>(n >> 8U);
    bytes[999] = static_cast<std::uint8_t>(n);
    out.push_back({std::move(bytes), n * kMs});
  }
  return out;
}

TYPED_TEST(EitherWay, ALanesFramesFareAsOnImpairsLaneWhateverGoesOnBeside) {
  Impairment bad = kBad;
  bad.corrupt_ppm = 0;  // it might change the ports
  bad.lanes = 4;
  constexpr std::uint64_t kSeed = 3;
  const auto mine = flow(40000, 80, 1000);
  std::vector<Timed> all;
  for (const Timed& frame : mine) {
    for (const std::uint16_t beside : {40001, 40003}) all.push_back({segment(beside, 80, true), frame.at});
    all.push_back(frame);
  }
  Line line(bad, std::is_same_v<TypeParam, SentWay> ? kSeed : kSeed + 1, 1024, 2048);
  Impaired impaired(bad, kSeed);
  auto got = carry(TypeParam(impaired), all);
  std::erase_if(got, [](const Timed& frame) { return frame.bytes[35] != 40000 % 256; });
  EXPECT_EQ(got, carry(line, mine));
  EXPECT_GT(line.counts().lost, 0U);
}

TYPED_TEST(EitherWay, NeitherTheRateNorTheBufferIsExceeded) {
  constexpr std::uint64_t kRate = 10'000'000;
  constexpr std::uint64_t kBuffer = 8000;
  const auto time_of = [](std::uint64_t bytes) { return static_cast<std::int64_t>(bytes * 8'000'000'000 / kRate); };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::vector<Timed> frames;
    std::int64_t at = 0;
    for (std::uint32_t n = 0; n < 400; ++n) {
      frames.push_back({numbered(n, 60 + rng.below(1455)), at});
      at += rng.below(kMs);  // 10 to 20 Mbit/s, in bursts
    }
    Impaired impaired({.rate_bps = kRate, .buffer_bytes = kBuffer}, seed);
    const auto got = carry(TypeParam(impaired), frames);
    const LineCounts& counts = TypeParam::line(impaired).counts();
    EXPECT_EQ(got.size() + counts.overflowed, frames.size());
    EXPECT_GT(counts.overflowed, 0U);
    for (std::size_t i = 0; i < got.size(); ++i) {
      std::uint64_t bytes = 0;
      for (std::size_t j = i + 1; j < got.size(); ++j) {
        bytes += got[j].bytes.size();
        ASSERT_GE(got[j].at - got[i].at, time_of(bytes) - static_cast<std::int64_t>(j - i)) << "a nanosecond a frame is rounding";
      }
    }
    // Accepted is what finds at most the buffer's bytes waiting, and nothing else.
    std::size_t next = 0;
    for (const Timed& frame : frames) {
      std::uint64_t waiting = 0;
      for (std::size_t i = 0; i < next; ++i) waiting += got[i].at > frame.at ? got[i].bytes.size() : 0;
      if (next < got.size() && number_of(got[next].bytes) == number_of(frame.bytes)) {
        EXPECT_LE(got[next].at - frame.at, time_of(kBuffer + frame.bytes.size()));
        ++next;
      } else {
        EXPECT_GE(waiting, kBuffer);
      }
    }
  }
}

TYPED_TEST(EitherWay, EveryFrameIsDeliveredLostOrUnderWay) {
  Impaired impaired(kBad);
  const Line& line = TypeParam::line(impaired);
  TypeParam way(impaired);
  std::vector<Timed> got;
  const auto expect_balance = [&](std::size_t put) {
    const LineCounts& c = line.counts();
    ASSERT_EQ(c.in, put);
    ASSERT_EQ(c.out, got.size());
    ASSERT_EQ(put + c.duplicated, got.size() + c.lost + c.overflowed + line.flying());
    ASSERT_TRUE(line.balanced());
  };
  std::size_t most = 0;
  for (std::uint32_t n = 0; n < 2000; ++n) {
    way.put(numbered(n), n * kMs / 30, got);
    ASSERT_NO_FATAL_FAILURE(expect_balance(n + 1));
    most = std::max(most, line.flying());
  }
  EXPECT_GT(most, 10U);
  for (std::int64_t at = way.next_ns(); at != INT64_MAX; at = way.next_ns()) way.take(at, got);
  ASSERT_NO_FATAL_FAILURE(expect_balance(2000));
  EXPECT_EQ(line.flying(), 0U);
}

TEST(ImpairedPort, IsTheInnerPortButForWhatThatFindsOutAboutFrames) {
  Impaired impaired({});
  EXPECT_EQ(impaired.port.name(), "inner");
  EXPECT_EQ(impaired.port.mac(), impaired.memory.mac());
  EXPECT_EQ(impaired.port.capabilities().mtu, impaired.memory.capabilities().mtu);
  EXPECT_FALSE(impaired.port.capabilities().rx_tcp_csum);
}

TEST(ImpairedPort, CountsWhatItsUserReceivedAndSent) {
  Impaired impaired({.delay_ns = kMs, .duplicate_ppm = kMillion});
  for (std::uint32_t n = 0; n < 3; ++n) impaired.memory.inject(numbered(n, 200), Instant{0});
  impaired.transmit(numbered(0), 0);
  impaired.transmit(numbered(1), 0);
  PortStats stats = impaired.port.stats();
  EXPECT_EQ(stats.name, "inner");
  EXPECT_EQ(stats.rx_frames, 0U);
  EXPECT_EQ(stats.tx_frames, 2U);
  EXPECT_EQ(stats.tx_bytes, 200U);
  EXPECT_EQ(impaired.memory.stats().tx_frames, 0U) << "under way";
  std::vector<Timed> got;
  ReceivedWay way(impaired);
  way.take(0, got);
  while (impaired.port.next() != Instant::never()) way.take(way.next_ns(), got);
  stats = impaired.port.stats();
  EXPECT_EQ(got.size(), 6U);
  EXPECT_EQ(stats.rx_frames, 6U);
  EXPECT_EQ(stats.rx_bytes, 1200U);
  EXPECT_EQ(impaired.memory.stats().rx_frames, 3U);
  EXPECT_EQ(impaired.memory.stats().tx_frames, 4U);
}

TEST(ImpairedPort, CountsWhatItHasNoBufferFor) {
  Impaired impaired({.duplicate_ppm = kMillion, .reorder_by_ns = 0}, 7, 2);
  for (std::uint32_t n = 0; n < 2; ++n) impaired.memory.inject(numbered(n), Instant{0});
  std::array<Buf*, 8> bufs;
  ASSERT_EQ(impaired.port.receive(0, bufs, Instant{0}), 2U) << "of four";
  EXPECT_EQ(impaired.port.stats().rx_no_buffer, 2U);
  for (Buf* buf : std::span(bufs).first(2)) {
    impaired.pool.adopt(buf);
    impaired.pool.release(buf);
  }
}

TEST(ImpairedPort, CountsWhatTheInnerPortRefuses) {
  Impaired impaired({.delay_ns = kMs});
  impaired.memory.set_transmit_room(1);
  for (std::uint32_t n = 0; n < 3; ++n) impaired.transmit(numbered(n), 0);
  EXPECT_EQ(impaired.port.receive(0, {}, Instant{kMs}), 0U);
  EXPECT_EQ(impaired.memory.sent_waiting(), 1U);
  EXPECT_EQ(impaired.port.stats().tx_dropped, 2U);
}

TEST(ImpairedPortDeathTest, WillNotLoseTagsThatTheInnerPortTookOff) {
  Impaired impaired({}, 7, 64, true);
  Bytes tagged = numbered(0);
  tagged[12] = 0x81;
  impaired.memory.inject(tagged, Instant{0});
  std::array<Buf*, 1> buf;
  EXPECT_DEATH((void)impaired.port.receive(0, buf, Instant{0}), "kRxVlan");
}

}  // namespace
}  // namespace sluice::test
