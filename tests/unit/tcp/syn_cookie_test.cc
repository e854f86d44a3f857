// SPDX-License-Identifier: BSD-3-Clause
// SYN cookies as arithmetic: what goes in comes out, and nothing else is taken for one (wire case 20).
#include "tcp/syn_cookie.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <vector>

#include "base/rng.h"
#include "tcp/options.h"

namespace sluice::tcp {
namespace {

constexpr Instant kStart{64'000'000'000};  // a slot begins

struct Offered {
  std::uint16_t mss = 1460;                  // 0: no option
  std::optional<std::uint8_t> shift = {};
  bool sack = false;
  std::optional<std::uint32_t> tsval = {};
};

struct Cookies {
  explicit Cookies(SipKey master = {11, 22}) : keys(master) {
    flow.remote = IpAddress::v4(192, 0, 2, 7);
    flow.remote_port = 40000;
    flow.local_port = 80;
  }
  [[nodiscard]] CookieContext context(Instant now) {
    return {.keys = keys, .local = local, .params = params, .mss = mss, .ts_offset = ts_offset, .now = now};
  }
  // The SYN|ACK's ISS; its timestamp offset in `offset`.
  SeqNum make(const Offered& o, Instant now = kStart) {
    wire::TcpOptions options;
    options.has_mss = o.mss != 0;
    options.mss = o.mss;
    options.has_wscale = o.shift.has_value();
    options.wscale = o.shift.value_or(0);
    options.sack_permitted = o.sack;
    options.has_ts = o.tsval.has_value();
    options.tsval = o.tsval.value_or(0);
    Segment syn;
    syn.seq = irs;
    syn.wnd = 1000;
    syn.flags = kSyn;
    syn.options = &options;
    HalfOpen record;
    half_open(record, flow, syn, SeqNum(), params);
    offset = make_cookie(record, context(now));
    made_ms = static_cast<std::uint32_t>(now.ms());
    return record.iss;
  }
  // The ACK of it; nothing when it is refused.
  std::optional<HalfOpen> open(SeqNum iss, std::optional<std::uint32_t> tsval = {}, Instant now = kStart) {
    wire::TcpOptions options;
    options.has_ts = tsval.has_value();
    options.tsval = tsval.value_or(0);
    options.tsecr = made_ms + offset;
    Segment ack;
    ack.seq = irs + 1;
    ack.ack = iss + 1;
    ack.wnd = 512;
    ack.flags = kAck;
    ack.options = &options;
    HalfOpen record;
    record.flow = flow;
    opened_offset = 0;
    if (!open_cookie(record, ack, context(now), opened_offset)) return {};
    return record;
  }

  CookieKeys keys;
  FlowId flow;
  IpAddress local = IpAddress::v4(10, 0, 0, 1);
  Params params;
  std::uint16_t mss = 1460;
  std::uint32_t ts_offset = 0xfffff000;
  SeqNum irs{0xffffffff};
  std::uint32_t offset = 0, opened_offset = 0, made_ms = 0;
};

TEST(SynCookie, WithoutTimestampsTheNumberAloneKeepsShiftSackAndMss) {
  for (const std::uint16_t mss : {64, 536, 1240, 1360, 1380, 1400, 1452, 1460}) {
    for (std::uint8_t shift = 0; shift <= 15; ++shift) {
      for (const bool sack : {false, true}) {
        Cookies c;
        Offered offered{.mss = mss, .sack = sack};
        if (shift < 15) offered.shift = shift;  // 15: no window scale
        const auto record = c.open(c.make(offered));
        ASSERT_TRUE(record) << mss << ' ' << int{shift};
        EXPECT_EQ(record->peer_mss, mss);
        EXPECT_EQ((record->flags & kWscaleOk) != 0, shift < 15);
        EXPECT_EQ(record->snd_wscale, shift < 15 ? shift : 0);
        EXPECT_EQ((record->flags & kSackOk) != 0, sack);
        EXPECT_EQ(record->flags & kTsOk, 0U);
        EXPECT_EQ(record->irs, c.irs);
        EXPECT_FALSE(record->deadline.armed());
      }
    }
  }
}

TEST(SynCookie, WithTimestampsTheMssIsExact) {
  for (std::uint32_t mss = 1; mss <= 9000; ++mss) {
    Cookies c;
    c.mss = 8960;
    const auto record = c.open(c.make({.mss = static_cast<std::uint16_t>(mss), .shift = 9, .sack = true, .tsval = 77}), 78);
    ASSERT_TRUE(record) << mss;
    ASSERT_EQ(record->peer_mss, std::min(mss, 8960U));
    EXPECT_EQ(record->flags & 0xfU, kTsOk | kSackOk | kWscaleOk);
    EXPECT_EQ(record->ts_recent, 78U);
    EXPECT_EQ(c.opened_offset, c.offset);
  }
}

TEST(SynCookie, WithoutTimestampsTheMssIsRoundedDown) {
  for (std::uint32_t mss = 64; mss <= 2000; ++mss) {
    for (const bool v6 : {false, true}) {
      Cookies c;
      if (v6) c.flow.remote = *IpAddress::parse("fd77::7");
      c.mss = v6 ? 1440 : 1460;
      const auto record = c.open(c.make({.mss = static_cast<std::uint16_t>(mss)}));
      ASSERT_TRUE(record);
      EXPECT_LE(record->peer_mss, mss);
      EXPECT_GE(record->peer_mss, 64);
      if (mss >= c.mss) {
        EXPECT_EQ(record->peer_mss, c.mss);
      }
    }
  }
  Cookies none;
  EXPECT_EQ(none.open(none.make({.mss = 0}))->peer_mss, 536);
  none.flow.remote = *IpAddress::parse("fd77::7");
  EXPECT_EQ(none.open(none.make({.mss = 0}))->peer_mss, 1220);
}

TEST(SynCookie, OwnersMssBoundsIt) {
  Cookies c;
  c.params.mss = 1000;
  EXPECT_EQ(c.open(c.make({.mss = 1460}))->peer_mss, 1000);
  EXPECT_EQ(c.open(c.make({.mss = 1460, .tsval = 5}), 6)->peer_mss, 1000);
}

TEST(SynCookie, LivesAtLeastOneSlotAndNeverMoreThanTwo) {
  for (const bool timestamps : {false, true}) {
    for (const Duration made : {Duration{}, Duration::seconds(15), kCookieSlot - Duration{1}}) {
      Cookies c;
      Offered offered{};
      std::optional<std::uint32_t> echo;
      if (timestamps) echo = offered.tsval = 5;
      const SeqNum iss = c.make(offered, kStart + made);
      EXPECT_TRUE(c.open(iss, echo, kStart + made));
      EXPECT_TRUE(c.open(iss, echo, kStart + made + kCookieSlot));
      EXPECT_TRUE(c.open(iss, echo, kStart + kCookieLife - Duration{1}));
      EXPECT_FALSE(c.open(iss, echo, kStart + kCookieLife));
      EXPECT_FALSE(c.open(iss, echo, kStart + made + kCookieLife));
      for (int later = 2; later < 2000; ++later) {
        EXPECT_FALSE(c.open(iss, echo, kStart + made + kCookieSlot * later)) << later;
      }
      EXPECT_FALSE(c.open(iss, echo, kStart - Duration{1})) << "before it was made";
    }
  }
}

TEST(SynCookie, IsGoodForItsFlowAndNumberOnly) {
  for (const bool timestamps : {false, true}) {
    Cookies c;
    Offered offered{};
    std::optional<std::uint32_t> echo;
    if (timestamps) echo = offered.tsval = 5;
    const SeqNum iss = c.make(offered);
    const Cookies was = c;
    const auto refused = [&](auto&& change) {
      c = was;
      change();
      const bool taken = c.open(iss, echo).has_value();
      c = was;
      return !taken;
    };
    EXPECT_TRUE(refused([&] { ++c.flow.remote_port; }));
    EXPECT_TRUE(refused([&] { ++c.flow.local_port; }));
    EXPECT_TRUE(refused([&] { std::swap(c.flow.local_port, c.flow.remote_port); }));
    EXPECT_TRUE(refused([&] { c.flow.remote.bytes[15] ^= 1; }));
    EXPECT_TRUE(refused([&] { c.flow.remote.bytes[0] ^= 1; }));
    EXPECT_TRUE(refused([&] { c.local.bytes[15] ^= 1; }));
    EXPECT_TRUE(refused([&] { c.irs += 1; }));
    EXPECT_TRUE(refused([&] { c.params.rcvbuf *= 8; })) << "our window scale is another now";
    EXPECT_TRUE(refused([&] { c.keys = CookieKeys({11, 23}); }));
    EXPECT_TRUE(refused([&] { echo = timestamps ? std::nullopt : std::optional<std::uint32_t>(5); }));
    echo = timestamps ? std::optional<std::uint32_t>(5) : std::nullopt;
    EXPECT_EQ(refused([&] { c.offset += 1U << 16U; }), timestamps) << "another MSS in TSecr";
    EXPECT_TRUE(c.open(iss, echo));
  }
}

TEST(SynCookie, EachOfTheUpperTwentyFourBitsCounts) {
  Cookies c;
  const SeqNum iss = c.make({});
  for (unsigned bit = 8; bit < 32; ++bit) EXPECT_FALSE(c.open(SeqNum(iss.value() ^ 1U << bit))) << bit;
}

// 2^8 numbers of 2^32 are good in each of two slots: one guess in 2^23.
TEST(SynCookie, GuessesFailAsOftenAsTheArithmeticSays) {
  Cookies c;
  c.make({});
  Rng rng(5);
  int taken = 0;
  for (int i = 0; i < 1 << 19; ++i) taken += c.open(SeqNum(static_cast<std::uint32_t>(rng.next()))) ? 1 : 0;
  EXPECT_LE(taken, 1);
}

TEST(SynCookie, NumbersLookRandomInTheirLowBitsToo) {
  std::set<std::uint32_t> low;
  Cookies c;
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    c.flow.remote_port = port;
    low.insert(c.make({}).value() & 0xffU);
  }
  EXPECT_GT(low.size(), 250U);
}

TEST(SynCookie, WhoSharesTheSecretSharesTheCookies) {
  Cookies one;
  Cookies two;
  const SeqNum iss = one.make({.shift = 7});
  EXPECT_EQ(two.make({.shift = 7}), iss);
  EXPECT_TRUE(two.open(iss));
  EXPECT_NE(one.make({.shift = 7}, kStart + kCookieSlot), iss) << "the keys rotate";
}

TEST(SynCookie, TimestampsTellTheRoundTrip) {
  Cookies c;
  const SeqNum iss = c.make({.tsval = 5});
  const Instant later = kStart + Duration::milliseconds(40);
  const auto record = c.open(iss, 6, later);
  ASSERT_TRUE(record);
  const std::uint32_t since_ticks = kSynAckFirstTicks - record->deadline.until(Tick::floor(later));
  EXPECT_EQ(since_ticks, 40U * 8 + 4);
  EXPECT_FALSE(c.open(iss, 6, kStart + Duration::seconds(2))->deadline.armed()) << "too late to mean a round trip";
}

}  // namespace
}  // namespace sluice::tcp
