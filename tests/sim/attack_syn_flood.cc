// SPDX-License-Identifier: BSD-3-Clause
// SYNs from everywhere: who is established feels nothing, real clients get in, and memory stays what it was.
#include "sim/siege.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kCache = 512;

class SynFlood : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] SiegeConfig config(SynCookies cookies) const {
    SiegeConfig config;
    config.v6 = GetParam();
    config.victim.stack.syn_cookies = cookies;
    config.victim.stack.syn_cache = kCache;
    config.span = Duration::seconds(4);
    config.knock_every = Duration::milliseconds(10);
    return config;
  }
  static constexpr Held kHeld{.half_open = kCache};
  // 20,000 a second. MSS, SACK-permitted, window scale.
  static void flood(Siege& siege) {
    const auto number = static_cast<std::uint32_t>(siege.rng().next());
    siege.strike(Forged{.from = {siege.stranger(number), static_cast<std::uint16_t>(1024 + siege.rng().below(60000))},
                        .to = {siege.victim_address(), number % 2 == 0 ? Siege::kSink : Siege::kSource},
                        .seq = number,
                        .flags = tcp::kSyn,
                        .options = {2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7}});
  }
  static void expect_bounded(const Siege& siege) {
    EXPECT_LE(siege.most_half_open(), kCache);
    EXPECT_LE(siege.most_connections(), 32U);
    EXPECT_LE(siege.most_buffers(), 1000U);
  }
};

TEST_P(SynFlood, CookiesLetRealClientsInWhenTheCacheIsFull) {
  Siege siege(config(SynCookies::kAuto));
  siege.run(flood);
  EXPECT_GT(siege.count(tcp::Verdict::kListenCookieSent), 100'000U);
  EXPECT_GE(siege.knocks(), 190U);
  EXPECT_GE(siege.admitted() * 100, siege.knocks() * 99);
  EXPECT_GE(siege.counter("syn_cookies_accepted"), siege.knocks() * 9 / 10);
  expect_bounded(siege);
  expect_unharmed(config(SynCookies::kAuto), siege, kHeld);
}

TEST_P(SynFlood, CookiesAloneHoldNothing) {
  Siege siege(config(SynCookies::kAlways));
  siege.run(flood);
  EXPECT_EQ(siege.most_half_open(), 0U);
  EXPECT_GE(siege.admitted() * 100, siege.knocks() * 99);
  expect_bounded(siege);
  expect_unharmed(config(SynCookies::kAlways), siege);
}

// That it was a flood at all.
TEST_P(SynFlood, WithoutCookiesRealClientsStayOutside) {
  Siege siege(config(SynCookies::kNever));
  siege.run(flood);
  EXPECT_LT(siege.admitted(), siege.knocks() / 10);
  expect_bounded(siege);
  expect_unharmed(config(SynCookies::kNever), siege, kHeld);
}

// Guessed cookies, at the same rate: some 160,000 of 8.4 million it would take.
TEST_P(SynFlood, GuessedCookiesOpenNothing) {
  Siege siege(config(SynCookies::kAlways));
  siege.run([](Siege& s) {
    flood(s);
    s.strike(Forged{.from = {s.stranger(static_cast<std::uint32_t>(s.rng().next())), 5000},
                    .to = {s.victim_address(), Siege::kSink},
                    .seq = static_cast<std::uint32_t>(s.rng().next()),
                    .ack = static_cast<std::uint32_t>(s.rng().next())});
  });
  EXPECT_GT(siege.counter("syn_cookies_refused"), 100'000U);
  EXPECT_GE(siege.admitted() * 100, siege.knocks() * 99);
  expect_bounded(siege);
  expect_unharmed(config(SynCookies::kAlways), siege);
}

INSTANTIATE_TEST_SUITE_P(Ip, SynFlood, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
