// SPDX-License-Identifier: BSD-3-Clause
// Autoconfiguration by itself: what advertised prefixes make of an interface, and when.
#include "stack/slaac.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/icmpv6.h"

namespace sluice::stack {
namespace {

constexpr wire::MacAddress kMac{2, 0, 0, 0, 0, 1};
constexpr SipKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr std::uint32_t kForever = wire::PrefixInformation::kForever;

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

wire::PrefixInformation info(const std::string& prefix, std::uint32_t valid_s = 10'000, std::uint32_t preferred_s = 5'000) {
  return {ip(prefix), 64, true, true, valid_s, preferred_s};
}

TEST(StableAddressTest, IsSipHashOfPrefixInterfaceAndCounter) {
  // By another implementation: SipHash-2-4 of the prefix, 02:00:00:00:00:01, the counter and "slaac", 64 bits each.
  std::uint8_t counter = 0;
  EXPECT_EQ(stable_address(kKey, ip("2001:db8:1:2::"), kMac, counter).to_string(), "2001:db8:1:2:9b5a:78b1:b512:d38a");
  counter = 1;
  EXPECT_EQ(stable_address(kKey, ip("2001:db8:1:2:ffff::1"), kMac, counter).to_string(), "2001:db8:1:2:e8dd:f358:65d8:e5aa");
  EXPECT_EQ(counter, 1);
}

TEST(StableAddressTest, EachInputMakesAnotherIdentifier) {
  const auto identifier = [](SipKey key, const char* prefix, wire::MacAddress mac, std::uint8_t counter) {
    return wire::load_be64(stable_address(key, ip(prefix), mac, counter).bytes.data() + 8);
  };
  const std::uint64_t one = identifier(kKey, "fd99::", kMac, 0);
  EXPECT_EQ(identifier(kKey, "fd99::", kMac, 0), one);
  EXPECT_NE(identifier({kKey.k0 + 1, kKey.k1}, "fd99::", kMac, 0), one);
  EXPECT_NE(identifier(kKey, "fd98::", kMac, 0), one);
  EXPECT_NE(identifier(kKey, "fd99::", {2, 0, 0, 0, 0, 2}, 0), one);
  EXPECT_NE(identifier(kKey, "fd99::", kMac, 1), one);
}

TEST(StableAddressTest, ReservedIdentifiersAreKnown) {
  for (const std::uint64_t reserved : {0x0ULL, 0x02005efffe000000ULL, 0x02005efffe005213ULL, 0x02005efffeffffffULL, 0xfdffffffffffff80ULL,
                                       0xfdffffffffffffffULL}) {
    EXPECT_TRUE(is_reserved_identifier(reserved)) << std::hex << reserved;
  }
  for (const std::uint64_t free : {0x1ULL, 0x02005efffdffffffULL, 0x02005effff000000ULL, 0xfdffffffffffff7fULL, 0xfe00000000000000ULL}) {
    EXPECT_FALSE(is_reserved_identifier(free)) << std::hex << free;
  }
}

struct SlaacTest : testing::Test {
  static InterfaceConfig interface(bool slaac, const std::vector<const char*>& addresses = {"10.0.0.1/24"}, bool dad = true) {
    InterfaceConfig out;
    out.mac = kMac;
    out.slaac = slaac;
    out.dad = dad;
    for (const char* address : addresses) out.addresses.push_back(InterfaceAddress::parse(address).value());
    return out;
  }
  SlaacTest() { slaac.start(1, now); }

  bool hear(const wire::PrefixInformation& what) { return slaac.hear(0, what, now, rng); }
  // Lets time pass; what was asked for is in `probes`.
  void advance(Duration by) {
    const Instant end = now + by;
    while (slaac.next_check() <= end) {
      now = std::max(now, slaac.next_check());
      changes += slaac.on_timer(now, [&](std::size_t, const IpAddress& address) { probes.push_back(address); }) != 0 ? 1U : 0U;
    }
    now = end;
  }
  // "fe80 fd99! fd98": networks of the addresses that are there, with a mark on deprecated ones.
  std::string networks() const {
    std::string text;
    const Autoconfigured& has = slaac.has(0);
    for (std::size_t i = 0; i < has.n_addresses; ++i) {
      const std::string address = has.addresses[i].address.to_string();
      text += (text.empty() ? "" : " ") + address.substr(0, address.find(':')) + (has.addresses[i].deprecated ? "!" : "");
    }
    return text;
  }
  std::string on_link() const {
    std::string text;
    const Autoconfigured& has = slaac.has(0);
    for (std::size_t i = 0; i < has.n_on_link; ++i) {
      text += (text.empty() ? "" : " ") + InterfaceAddress{has.on_link[i].network, has.on_link[i].length}.to_string();
    }
    return text;
  }

  Slaac slaac{{interface(true)}, kKey, false};
  Rng rng{1};
  Instant now = Instant{} + Duration::seconds(50);
  std::vector<IpAddress> probes;
  unsigned changes = 0;
};

TEST_F(SlaacTest, IsWantedWhereItIsConfiguredAndNeverOfACapture) {
  EXPECT_FALSE(Slaac({interface(false)}, kKey, false).any_wanted());
  EXPECT_FALSE(Slaac({interface(true)}, kKey, true).any_wanted());
  const Slaac two({interface(false), interface(true)}, kKey, false);
  EXPECT_TRUE(two.any_wanted());
  EXPECT_FALSE(two.wanted(0));
  EXPECT_TRUE(two.wanted(1));
}

TEST_F(SlaacTest, OnlyTheShardThatSpeaksDecides) {
  Slaac silent({interface(true), interface(true)}, kKey, false);
  silent.start(2, now);
  EXPECT_FALSE(silent.decides(0));
  EXPECT_TRUE(silent.decides(1));
  Slaac none({interface(true)}, kKey, false);
  none.start(0, now);
  EXPECT_EQ(none.next_check(), Instant::never());
}

TEST_F(SlaacTest, ALinkLocalAddressIsMadeWhereNoneIsConfigured) {
  advance(Duration::milliseconds(999));
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_TRUE(probes[0].is_link_local());
  EXPECT_EQ(networks(), "");
  advance(Duration::milliseconds(1));
  EXPECT_EQ(networks(), "fe80");
  EXPECT_EQ(slaac.next_check(), Instant::never()) << "it lasts";
  Slaac configured({interface(true, {"fe80::1/64"})}, kKey, false);
  configured.start(1, now);
  EXPECT_EQ(configured.next_check(), Instant::never());
}

TEST_F(SlaacTest, APrefixMakesAnAddressWithinTwoSeconds) {
  EXPECT_TRUE(hear(info("fd99::")));
  advance(Duration::milliseconds(2000));
  ASSERT_EQ(probes.size(), 2U);
  EXPECT_EQ(networks(), "fe80 fd99");
  EXPECT_EQ(slaac.has(0).addresses[1].address, probes[1]);
}

TEST_F(SlaacTest, WhatIsNoPrefixForHostsMakesNothing) {
  wire::PrefixInformation bad = info("fd99::");
  bad.autonomous = bad.on_link = false;
  EXPECT_TRUE(hear(bad));
  for (const std::uint8_t length : {63, 65, 0, 128, 129, 255}) {
    bad = info("fd99::");
    bad.length = length;
    bad.on_link = false;
    EXPECT_TRUE(hear(bad)) << int{length};
  }
  for (const char* prefix : {"fe80::", "fe80::1", "febf::", "ff02::", "::", "::1", "::5"}) EXPECT_TRUE(hear(info(prefix))) << prefix;
  EXPECT_TRUE(hear({IpAddress::v4(10, 0, 0, 0), 104, true, true, 100, 100}));
  EXPECT_TRUE(hear(info("fd98::", 100, 101))) << "preferred for longer than valid";
  EXPECT_TRUE(hear(info("fd97::", 0, 0)));
  advance(Duration::seconds(5));
  EXPECT_EQ(networks(), "fe80");
  EXPECT_EQ(on_link(), "fd98::/64") << "which asks for no preferred lifetime";
}

TEST_F(SlaacTest, ThereAreEightOfAPort) {
  for (int n = 1; n <= 8; ++n) EXPECT_TRUE(hear(info("fd0" + std::to_string(n) + "::")));
  EXPECT_FALSE(hear(info("fd09::")));
  EXPECT_TRUE(hear(info("fd08::", 20'000, 20'000))) << "one that is there";
  advance(Duration::seconds(3));
  EXPECT_EQ(networks(), "fe80 fd01 fd02 fd03 fd04 fd05 fd06 fd07 fd08");
  EXPECT_EQ(slaac.has(0).n_on_link, 8U);
  advance(Duration::seconds(10'000));
  EXPECT_TRUE(hear(info("fd09::"))) << "the others are over";
  advance(Duration::seconds(3));
  EXPECT_EQ(networks(), "fe80 fd09 fd08");
}

TEST_F(SlaacTest, LifetimesEnd) {
  hear(info("fd99::", 100, 50));
  advance(Duration::seconds(49));
  EXPECT_EQ(networks(), "fe80 fd99");
  advance(Duration::seconds(1));
  EXPECT_EQ(networks(), "fe80 fd99!");
  advance(Duration::seconds(49));
  EXPECT_EQ(networks(), "fe80 fd99!");
  EXPECT_EQ(on_link(), "fd99::/64");
  advance(Duration::seconds(1));
  EXPECT_EQ(networks(), "fe80");
  EXPECT_EQ(on_link(), "");
  EXPECT_EQ(slaac.next_check(), Instant::never());
}

TEST_F(SlaacTest, AnEndlessLifetimeDoesNotEnd) {
  hear(info("fd99::", kForever, kForever));
  advance(Duration::seconds(4));
  EXPECT_EQ(slaac.next_check(), Instant::never());
  hear(info("fd99::", 7201, 100));
  advance(Duration::seconds(101));
  EXPECT_EQ(networks(), "fe80 fd99!") << "but is taken back in more than two hours";
  advance(Duration::seconds(7100));
  EXPECT_EQ(networks(), "fe80");
}

// RFC 4862 5.5.3 (e): what is left, what is heard, what is left then.
TEST_F(SlaacTest, TheTwoHourRule) {
  struct Row {
    std::uint32_t left_s, heard_s, then_s;
  };
  for (const Row& row : {Row{36'000, 40'000, 40'000}, {36'000, 20'000, 20'000}, {36'000, 7'201, 7'201}, {36'000, 7'200, 7'200},
                         {36'000, 60, 7'200}, {36'000, 0, 7'200}, {7'201, 60, 7'200}, {7'200, 60, 7'200}, {600, 60, 600},
                         {600, 601, 601}, {600, 0, 600}, {600, 8'000, 8'000}}) {
    Slaac one({interface(true)}, kKey, false);
    one.start(1, now);
    const auto fire = [&] { one.on_timer(now, [](std::size_t, const IpAddress&) {}); };
    wire::PrefixInformation prefix = info("fd99::", row.left_s + 10, 0);
    prefix.on_link = false;
    one.hear(0, prefix, now, rng);
    for (int i = 0; i < 10; ++i) {
      now = now + Duration::seconds(1);
      fire();
    }
    ASSERT_EQ(one.has(0).n_addresses, 2U);
    prefix.valid_s = row.heard_s;
    one.hear(0, prefix, now, rng);
    now = now + Duration::seconds(row.then_s) - Duration{1};
    fire();
    EXPECT_EQ(one.has(0).n_addresses, 2U) << row.left_s << " " << row.heard_s;
    now = now + Duration{1};
    fire();
    EXPECT_EQ(one.has(0).n_addresses, 1U) << row.left_s << " " << row.heard_s;
  }
}

TEST_F(SlaacTest, AnOnLinkPrefixNeedsNoAddressAndEndsAtOnce) {
  wire::PrefixInformation only = info("fd99:1:2:3::", 100, 0);
  only.autonomous = false;
  only.length = 33;
  hear(only);
  advance(Duration::seconds(3));
  EXPECT_EQ(on_link(), "fd99:1::/33");
  EXPECT_EQ(networks(), "fe80");
  only.valid_s = 0;
  hear(only);
  advance(Duration::seconds(1));
  EXPECT_EQ(on_link(), "") << "the two hours are for addresses";
}

TEST_F(SlaacTest, AConflictIsOneWhileTheAddressIsTried) {
  hear(info("fd99::"));
  EXPECT_EQ(slaac.conflict(0, ip("fd99::1"), now), Slaac::Conflict::kNone);
  advance(Duration::seconds(1));
  ASSERT_EQ(probes.size(), 2U);
  const IpAddress first = probes[1];
  EXPECT_EQ(slaac.conflict(0, first, now), Slaac::Conflict::kNext);
  EXPECT_EQ(slaac.conflict(0, first, now), Slaac::Conflict::kNone) << "another is next";
  advance(Duration::milliseconds(2100));
  ASSERT_EQ(probes.size(), 3U);
  EXPECT_EQ(networks(), "fe80 fd99");
  EXPECT_EQ(slaac.conflict(0, probes[2], now), Slaac::Conflict::kNone) << "it is ours";
}

TEST_F(SlaacTest, ALinkLocalAddressIsTriedFourTimesToo) {
  advance(Duration::milliseconds(500));
  using enum Slaac::Conflict;
  for (const Slaac::Conflict expected : {kNext, kNext, kNext, kGivenUp}) {
    EXPECT_EQ(slaac.conflict(0, probes.back(), now), expected);
    advance(Duration::milliseconds(1500));
  }
  advance(Duration::seconds(100));
  EXPECT_EQ(probes.size(), 4U);
  EXPECT_EQ(networks(), "");
}

// Others are told of each change: a router that says now this, now that must not keep them busy.
TEST_F(SlaacTest, ChangesAreAsFewAsTenASecond) {
  hear(info("fd99::"));
  advance(Duration::seconds(5));
  changes = 0;
  for (int i = 0; i < 10'000; ++i) {
    hear(info("fd99::", 10'000, i % 2 == 0 ? 0 : 10'000));
    advance(Duration::microseconds(100));
  }
  EXPECT_GE(changes, 2U);
  EXPECT_LE(changes, 11U);
  hear(info("fd99::", 10'000, 10'000));
  advance(Duration::milliseconds(101));
  EXPECT_EQ(networks(), "fe80 fd99") << "the last word counts";
}

}  // namespace
}  // namespace sluice::stack
