// SPDX-License-Identifier: BSD-3-Clause
// TCP Fast Open without a wire: whose cookie is good and for how long, and what a client puts on its SYN (RFC 7413 4.1, 4.2).
#include "tcp/fast_open.h"

#include <vector>

#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

const IpAddress kClient = IpAddress::v4(192, 0, 2, 7);
const IpAddress kLocal = IpAddress::v4(10, 0, 0, 1);
constexpr Instant kNoon{5 * kFastOpenDay.ns + kFastOpenDay.ns / 2};

TEST(FastOpenCookies, AreGoodTodayAndOldTomorrow) {
  CookieKeys keys({1, 2});
  const FastOpenCookie cookie = fast_open_cookie(keys, kClient, kLocal, kNoon);
  const auto check = [&](Instant at) { return check_fast_open(keys, kClient, kLocal, cookie, at); };
  EXPECT_EQ(check(kNoon), FastOpenCheck::kGood);
  EXPECT_EQ(check(kNoon + kFastOpenDay / 2 - Duration{1}), FastOpenCheck::kGood);
  EXPECT_EQ(check(kNoon + kFastOpenDay / 2), FastOpenCheck::kOld);
  EXPECT_EQ(check(kNoon + kFastOpenDay), FastOpenCheck::kOld);
  EXPECT_EQ(check(kNoon + kFastOpenDay * 3 / 2), FastOpenCheck::kBad);
  EXPECT_EQ(check(kNoon - kFastOpenDay), FastOpenCheck::kBad) << "it was not made yet";
  EXPECT_EQ(check_fast_open(keys, kClient, kLocal, fast_open_cookie(keys, kClient, kLocal, Instant{}), Instant{}), FastOpenCheck::kGood)
      << "on the first day";
}

TEST(FastOpenCookies, AreOfOneClientOneServerAndOneSecret) {
  CookieKeys keys({1, 2});
  CookieKeys others({1, 3});
  const FastOpenCookie cookie = fast_open_cookie(keys, kClient, kLocal, kNoon);
  EXPECT_EQ(check_fast_open(keys, IpAddress::v4(192, 0, 2, 8), kLocal, cookie, kNoon), FastOpenCheck::kBad);
  EXPECT_EQ(check_fast_open(keys, kClient, IpAddress::v4(10, 0, 0, 2), cookie, kNoon), FastOpenCheck::kBad);
  EXPECT_EQ(check_fast_open(others, kClient, kLocal, cookie, kNoon), FastOpenCheck::kBad);
}

TEST(FastOpenCookies, EveryByteCounts) {
  CookieKeys keys({1, 2});
  const FastOpenCookie cookie = fast_open_cookie(keys, kClient, kLocal, kNoon);
  for (std::size_t bit = 0; bit < 64; ++bit) {
    FastOpenCookie spoilt = cookie;
    spoilt.at(bit / 8) ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_EQ(check_fast_open(keys, kClient, kLocal, spoilt, kNoon), FastOpenCheck::kBad) << bit;
  }
  std::vector<std::uint8_t> longer(cookie.begin(), cookie.end());
  longer.push_back(0);
  EXPECT_EQ(check_fast_open(keys, kClient, kLocal, longer, kNoon), FastOpenCheck::kBad);
  EXPECT_EQ(check_fast_open(keys, kClient, kLocal, std::span(cookie).first(7), kNoon), FastOpenCheck::kBad);
}

// The SYN of a client with 2000 bytes to say first.
struct Opening : OneConnection {
  explicit Opening(bool fast, std::size_t cookie_len, std::uint16_t mss, Params with = {}) : OneConnection(with) {
    static constexpr std::array<std::uint8_t, 16> kCookie{1, 2, 3, 4, 5, 6, 7, 8};
    static const std::vector<std::uint8_t> kText(2000, 'x');
    EXPECT_TRUE(open_active_with(tcb, kIss, ts_offset, kText, fast, std::span(kCookie).first(cookie_len), mss, env()));
    drain();
  }
  [[nodiscard]] const OutSegment& syn() const { return sent.at(0); }
};

TEST(FastOpenClient, AsksForACookieWhereItHasNone) {
  const Opening o(true, 0, 0);
  ASSERT_EQ(o.sent.size(), 1U);
  EXPECT_NE(o.syn().options & kOptFastOpen, 0U);
  EXPECT_EQ(o.syn().fast_open_len, 0U);
  EXPECT_EQ(o.syn().len, 0U) << "the text waits";
  EXPECT_EQ(o.tcb.snd_queued, 2000U);
}

// The application goes on behind all of it.
TEST(FastOpenClient, WhatItSaysFirstIsWholeWhileBuffersAreCrowded) {
  OneConnection c(Params{.sndbuf = 200'000});
  for (int i = 0; i < 100; ++i) c.held.push_back(c.bufs.take());
  c.bufs.spare_beyond(150);
  ASSERT_TRUE(c.bufs.crowded());
  const std::vector<std::uint8_t> text(4000, 'x');
  EXPECT_TRUE(open_active_with(c.tcb, kIss, c.ts_offset, text, true, {}, 0, c.env()));
  c.drain();
  EXPECT_EQ(c.tcb.snd_queued, 4000U);
}

TEST(FastOpenClient, WithoutBuffersForWhatItSaysFirstItDoesNotOpen) {
  OneConnection c(Params{.sndbuf = 200'000});
  c.bufs.spare_beyond(2);
  const std::vector<std::uint8_t> text(8000, 'x');
  EXPECT_FALSE(open_active_with(c.tcb, kIss, c.ts_offset, text, true, {}, 0, c.env()));
  c.drain();
}

TEST(FastOpenClient, SaysNothingOfItWhereItIsOff) {
  const Opening o(false, 8, 1460);
  EXPECT_EQ(o.syn().options & kOptFastOpen, 0U);
  EXPECT_EQ(o.syn().len, 0U);
  EXPECT_EQ(o.tcb.snd_queued, 2000U);
}

TEST(FastOpenClient, SendsWhatTheServersMssLeavesRoomFor) {
  for (const auto& [mss, len] : {std::pair<std::uint16_t, std::uint32_t>{1000, 960}, {536, 496}, {41, 1}, {40, 0}, {0, 0}}) {
    const Opening o(true, 8, mss);
    EXPECT_EQ(o.syn().fast_open_len, 8U);
    EXPECT_EQ(o.syn().len, len) << mss;
    EXPECT_EQ(o.tcb.snd_nxt, kIss + 1) << "the text counts as sent when it is acknowledged";
  }
  const Opening large(true, 8, 65'000);
  EXPECT_LE(large.syn().len, 1460U - 40U) << "and our own MTU";
  EXPECT_GT(large.syn().len, 1000U);
}

TEST(FastOpenClient, TakesNoMoreThanTheSendBuffer) {
  const Opening o(true, 8, 1460, Params{.sndbuf = 500});
  EXPECT_EQ(o.tcb.snd_queued, 500U);
  EXPECT_EQ(o.syn().len, 500U);
}

}  // namespace
}  // namespace sluice::tcp
