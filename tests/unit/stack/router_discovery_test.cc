// SPDX-License-Identifier: BSD-3-Clause
// Router discovery: the list by itself, and a host that hears advertisements and has only routers to answer an off-link
// peer through.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "stack/routers.h"
#include "support/host.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/icmpv6.h"
#include "wire/tcp.h"

namespace sluice::stack {
namespace {

using Frame = std::vector<std::uint8_t>;
using tcp::Verdict;

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }
IpAddress router(int n) { return ip("fe80::" + std::to_string(n)); }
constexpr wire::MacAddress kToAll{0x33, 0x33, 0, 0, 0, 1};
wire::MacAddress mac_of(int n) { return {2, 0, 0, 0, 0, static_cast<std::uint8_t>(n)}; }

// --- the list ---

struct RoutersTest : testing::Test {
  static Routers made(bool wanted, const std::vector<const char*>& gateways, const char* address = "fd00::1/64", bool off = false) {
    InterfaceConfig interface;
    interface.router_advertisements = wanted;
    interface.addresses = {InterfaceAddress::parse(address).value()};
    for (const char* gateway : gateways) interface.gateways.push_back(ip(gateway));
    return {{interface}, off};
  }
  Routers routers = made(true, {});
  Instant now = Instant{} + Duration::seconds(100);

  bool hear(int n, int preference = 0, std::uint16_t lifetime_s = 1000) { return routers.hear(0, router(n), lifetime_s, preference, now); }
  // 0: none.
  int best() {
    const IpAddress* address = routers.best(0);
    return address == nullptr ? 0 : address->bytes[15];
  }
};

TEST_F(RoutersTest, AdvertisementsAreWantedWhereNoIpv6GatewayIsConfigured) {
  EXPECT_TRUE(made(true, {}).wanted(0));
  EXPECT_TRUE(made(true, {"10.0.0.254"}).any_wanted());
  EXPECT_FALSE(made(true, {"10.0.0.254", "fd00::fe"}).wanted(0));
  EXPECT_FALSE(made(false, {}).any_wanted());
  EXPECT_FALSE(made(true, {}, "10.0.0.1/24").wanted(0)) << "no IPv6 there";
  InterfaceConfig slaac;
  slaac.router_advertisements = slaac.slaac = true;
  EXPECT_TRUE(Routers({slaac}, false).wanted(0)) << "but some to come";
  EXPECT_FALSE(made(true, {}, "fd00::1/64", true).wanted(0));
}

TEST_F(RoutersTest, TheMostPreferredCountsAndOfEqualsTheFirst) {
  EXPECT_EQ(best(), 0);
  hear(1);
  hear(2);
  EXPECT_EQ(best(), 1);
  hear(3, 1);
  EXPECT_EQ(best(), 3);
  hear(3, -1);
  EXPECT_EQ(best(), 1);
  hear(2, 1);
  EXPECT_EQ(best(), 2);
}

TEST_F(RoutersTest, ALifetimeOfZeroEndsItAndSoDoesTime) {
  hear(1, 0, 10);
  hear(2, 0, 20);
  EXPECT_EQ(routers.next_check(), now + Duration::seconds(10));
  routers.expire(now + Duration::seconds(10));
  EXPECT_EQ(best(), 2);
  EXPECT_EQ(routers.next_check(), now + Duration::seconds(20));
  hear(2, 0, 0);
  EXPECT_EQ(best(), 0);
  EXPECT_EQ(routers.next_check(), Instant::never());
  EXPECT_TRUE(hear(9, 0, 0)) << "nobody knew it";
  EXPECT_EQ(routers.known(), 0U);
}

TEST_F(RoutersTest, AFullListTakesOnlyTheMorePreferred) {
  for (int n = 1; n <= 4; ++n) EXPECT_TRUE(hear(n, n == 2 ? -1 : 0));
  EXPECT_FALSE(hear(5, -1));
  EXPECT_TRUE(hear(6, 0)) << "instead of the second";
  EXPECT_FALSE(hear(7, 0));
  EXPECT_TRUE(hear(8, 1));
  EXPECT_EQ(best(), 8);
  EXPECT_EQ(routers.known(), Routers::kMost);
  EXPECT_TRUE(hear(1, 0)) << "one that is there is heard";
}

TEST_F(RoutersTest, OneThatFailsIsUsedLast) {
  hear(1, 1);
  hear(2);
  hear(3);
  routers.fail(0, router(1));
  EXPECT_EQ(best(), 2);
  routers.fail(0, router(2));
  EXPECT_EQ(best(), 3);
  hear(1, 1);
  EXPECT_EQ(best(), 1) << "heard of again";
  routers.fail(0, router(9));
  EXPECT_EQ(best(), 1);
}

TEST_F(RoutersTest, WhereNoneAnswersTheyTakeTurns) {
  for (int n = 1; n <= 3; ++n) hear(n);
  std::vector<int> used;
  for (int i = 0; i < 7; ++i) {
    used.push_back(best());
    routers.fail(0, router(used.back()));
  }
  EXPECT_EQ(used, (std::vector{1, 2, 3, 1, 2, 3, 1}));
}

// --- a host ---

struct Service : sluice::Service {
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection) override {}
};

struct Advertisement {
  int from = 2;
  std::uint16_t lifetime_s = 1800;
  std::uint8_t flags = 0;      // 0x08: high preference
  bool with_mac = true;
  std::uint8_t code = 0, hop_limit = 255;
  const char* source = nullptr;
  bool prefix_and_mtu = false;
};

Frame frame_of(const Advertisement& a) {
  const IpAddress src = a.source != nullptr ? ip(a.source) : router(a.from);
  const IpAddress dst = ip("ff02::1");
  const wire::MacAddress mac = mac_of(a.from);
  Frame body(8);
  if (a.with_mac) {
    body.insert(body.end(), {1, 1});
    body.insert(body.end(), mac.begin(), mac.end());
  }
  if (a.prefix_and_mtu) {
    body.insert(body.end(), {5, 1, 0, 0, 0, 0, 5, 0, 3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
    const IpAddress prefix = ip("fd99::");
    body.insert(body.end(), prefix.bytes.begin(), prefix.bytes.end());
  }
  const std::size_t len = wire::kIcmpHeader + body.size();
  Frame frame(wire::kEthHeader + wire::kIpv6Header + len);
  wire::FrameHead head{};
  head.dst_mac = kToAll.data();
  head.src_mac = mac.data();
  head.src = &src;
  head.dst = &dst;
  head.protocol = wire::kProtoIcmpv6;
  head.ttl = a.hop_limit;
  std::uint8_t* message = frame.data() + wire::write_frame_head(frame.data(), head, static_cast<std::uint16_t>(len));
  std::copy(body.begin(), body.end(), message + wire::kIcmpHeader);
  const std::uint32_t rest = 64U << 24U | std::uint32_t{a.flags} << 16U | a.lifetime_s;
  wire::Icmpv6Header{wire::kIcmpv6RouterAdvertisement, a.code, rest}.write(message, body.size(), src, dst);
  return frame;
}

struct RouterDiscoveryTest : testing::Test {
  static test::HostConfig config(bool wanted, bool gateway = false) {
    test::HostConfig c;
    c.buffers = 1024;
    c.router_advertisements = wanted;
    if (gateway) c.gateways = {"fd00::fe"};
    return c;
  }
  void make(const test::HostConfig& c) {
    host.emplace(c);
    host->add_service(service);
    ASSERT_TRUE(host->listen(service, {ip("::"), 80}, SocketOptions{}, 64).ok());
  }
  void SetUp() override { make(config(true)); }
  void TearDown() override {
    EXPECT_EQ(host->broken_invariant(), nullptr);
    host->stack().abort_all();
    (void)host->take_sent();
  }
  void advance(Duration by) {
    const Instant end = now + by;
    for (Instant next = host->stack().next_deadline(now); next <= end; next = host->stack().next_deadline(now)) {
      now = std::max(next, now + Duration::microseconds(1));
      host->advance(now);
    }
    now = end;
    host->advance(now);
  }
  // What became of it.
  Verdict receive(const Frame& frame) {
    const tcp::VerdictCounts before = host->stack().verdicts();
    host->receive(frame, now);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (host->stack().verdicts()[i] != before[i]) return static_cast<Verdict>(i);
    }
    return {};
  }
  Verdict hear(const Advertisement& a) { return receive(frame_of(a)); }
  std::uint64_t counter(const std::string& name) {
    std::array<std::uint64_t, Stack::kNamedCounters> values{};
    host->stack().read_counters(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (name == Stack::counter_name(i)) return values[i];
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
  // Which router's address the answer to a SYN of an off-link peer goes to; 0: there is none.
  int way_out(const IpAddress& dst = ip("fd00::1"), const IpAddress& src = ip("fd99::5")) {
    (void)host->take_sent();
    Frame frame(wire::kEthHeader + wire::kIpv6Header + wire::kTcpHeader);
    wire::FrameHead head{};
    const wire::MacAddress mac = mac_of(2);
    head.dst_mac = host->mac().data();
    head.src_mac = mac.data();
    head.src = &src;
    head.dst = &dst;
    std::uint8_t* tcp = frame.data() + wire::write_frame_head(frame.data(), head, wire::kTcpHeader);
    wire::TcpHeader{++port, 80, SeqNum(1), SeqNum(0), wire::kSyn, 1000, 0}.write(tcp);
    wire::store_checksum(tcp + wire::kTcpChecksumOffset, wire::pseudo_sum(src, dst, wire::kProtoTcp, wire::kTcpHeader) +
                                                             wire::sum_bytes(tcp, wire::kTcpHeader));
    EXPECT_EQ(receive(frame), Verdict::kListenSyn);
    for (const Frame& sent : host->take_sent()) {
      if (sent.size() < 78 || sent[20] != wire::kProtoTcp) continue;
      EXPECT_EQ(wire::load_be16(&sent[76]), 1440) << "the MSS by our MTU";
      return sent[5];
    }
    return 0;
  }
  // Router solicitations among what was sent; each is checked.
  unsigned solicitations() {
    unsigned n = 0;
    for (const Frame& sent : host->take_sent()) {
      if (sent.size() < 62 || sent[54] != wire::kIcmpv6RouterSolicitation) continue;
      ++n;
      EXPECT_EQ(sent.size(), 70U);
      EXPECT_EQ(sent[5], 2) << "33:33:0:0:0:2";
      EXPECT_EQ(sent[21], 255);
      EXPECT_EQ(sent[62], 1) << "source link-layer address";
    }
    return n;
  }

  Service service;
  std::optional<test::Host> host;
  Instant now = Instant{} + Duration::seconds(100);
  std::uint16_t port = 1000;
};

TEST_F(RouterDiscoveryTest, AnAdvertisedRouterIsTheWayOut) {
  EXPECT_EQ(way_out(), 0);
  EXPECT_EQ(counter("no_route"), 1U);
  EXPECT_EQ(hear({}), Verdict::kNdHandled);
  EXPECT_EQ(way_out(), 2) << "its Ethernet address was in the advertisement";
  EXPECT_EQ(counter("routers"), 1U);
  EXPECT_EQ(counter("router_advertisements"), 1U);
}

TEST_F(RouterDiscoveryTest, ARouterIsOneForItsLifetime) {
  hear({.lifetime_s = 1800});
  advance(Duration::seconds(1799));
  EXPECT_EQ(way_out(), 2);
  advance(Duration::seconds(2));
  EXPECT_EQ(way_out(), 0);
  hear({.lifetime_s = 1800});
  EXPECT_EQ(way_out(), 2);
  hear({.lifetime_s = 0});
  EXPECT_EQ(way_out(), 0);
  EXPECT_EQ(counter("routers"), 0U);
}

TEST_F(RouterDiscoveryTest, AdvertisementsThatCannotBeAreIgnored) {
  EXPECT_EQ(hear({.hop_limit = 254}), Verdict::kNdIgnored) << "came through a router";
  EXPECT_EQ(hear({.source = "fd00::2"}), Verdict::kNdIgnored) << "not link-local";
  EXPECT_EQ(hear({.code = 1}), Verdict::kNdIgnored);
  Frame bad = frame_of({});
  bad[56] ^= 1U;
  EXPECT_EQ(receive(bad), Verdict::kIcmpv6ChecksumBad);
  Frame fragment = frame_of({});  // whole, but with a fragment header (RFC 6980)
  const std::vector<std::uint8_t> header{wire::kProtoIcmpv6, 0, 0, 0, 0, 0, 0, 1};
  fragment.insert(fragment.begin() + 54, header.begin(), header.end());
  fragment[20] = 44;
  wire::store_be16(&fragment[18], static_cast<std::uint16_t>(fragment.size() - 54));
  EXPECT_EQ(receive(fragment), Verdict::kNdIgnored);
  EXPECT_EQ(way_out(), 0);
}

TEST_F(RouterDiscoveryTest, NobodyIsBelievedWhereAGatewayIsConfiguredOrNoneIsWanted) {
  for (const bool gateway : {true, false}) {
    TearDown();
    make(config(gateway, gateway));
    host->stack().start(now, 1);
    EXPECT_EQ(hear({}), Verdict::kNdIgnored);
    EXPECT_EQ(counter("routers"), 0U);
    advance(Duration::seconds(100));
    EXPECT_EQ(solicitations(), 0U);
  }
}

TEST_F(RouterDiscoveryTest, ThePreferredRouterIsUsed) {
  hear({.from = 2});
  hear({.from = 3, .flags = 0x08});
  EXPECT_EQ(way_out(), 3);
  hear({.from = 3, .flags = 0x18});
  EXPECT_EQ(way_out(), 2);
}

TEST_F(RouterDiscoveryTest, StrangersFillNeitherListNorNeighbourCache) {
  for (int n = 2; n < 100; ++n) hear({.from = n});
  EXPECT_EQ(counter("routers"), Routers::kMost);
  EXPECT_EQ(counter("routers_refused"), 98 - Routers::kMost);
  EXPECT_EQ(counter("neighbours_learned"), Routers::kMost);
  EXPECT_EQ(way_out(), 2);
}

TEST_F(RouterDiscoveryTest, ARouterThatDoesNotAnswerGivesWay) {
  hear({.from = 2, .flags = 0x08, .with_mac = false});
  hear({.from = 3});
  EXPECT_EQ(way_out(), 0) << "the frame waits while its address is asked for";
  advance(Duration::seconds(4));
  EXPECT_EQ(counter("neighbours_failed"), 1U);
  EXPECT_EQ(way_out(), 3);
  hear({.from = 2, .flags = 0x08});
  EXPECT_EQ(way_out(), 2) << "it was heard of again";
}

TEST_F(RouterDiscoveryTest, OneThatSaysItIsNoRouterIsNone) {
  hear({});
  const IpAddress src = router(2), dst = ip("fd00::1");
  for (const bool is_router : {true, false}) {
    Frame frame(wire::kEthHeader + wire::kIpv6Header + wire::NeighborMessage::kSize);
    wire::FrameHead head{};
    const wire::MacAddress mac = mac_of(2);
    head.dst_mac = host->mac().data();
    head.src_mac = mac.data();
    head.src = &src;
    head.dst = &dst;
    head.protocol = wire::kProtoIcmpv6;
    head.ttl = 255;
    std::uint8_t* message = frame.data() + wire::write_frame_head(frame.data(), head, wire::NeighborMessage::kSize);
    wire::NeighborMessage{false, true, true, src, mac}.write(message, src, dst);
    if (is_router) {
      message[4] |= 0x80U;
      wire::store_be16(message + 2, 0);
      wire::store_checksum(message + 2, wire::sum_bytes(message, wire::NeighborMessage::kSize) +
                                            wire::pseudo_sum(src, dst, wire::kProtoIcmpv6, wire::NeighborMessage::kSize));
    }
    EXPECT_EQ(receive(frame), Verdict::kNdHandled);
    EXPECT_EQ(way_out(), is_router ? 2 : 0);
  }
}

TEST_F(RouterDiscoveryTest, AdvertisedPrefixesAndMtuAreNotTaken) {
  hear({.from = 3});
  hear({.prefix_and_mtu = true});
  EXPECT_EQ(way_out(), 3) << "fd99::/64 is not on-link by somebody's word: its own router would be asked for then";
  EXPECT_EQ(counter("neighbour_solicitations"), 0U);
}

TEST_F(RouterDiscoveryTest, RoutersAreAskedForUntilThereIsOne) {
  host->stack().start(now, 1);
  EXPECT_EQ(solicitations(), 0U) << "not before the addresses were tried for duplicates";
  advance(Duration::milliseconds(999));
  EXPECT_EQ(solicitations(), 0U);
  advance(Duration::milliseconds(1002));
  EXPECT_EQ(solicitations(), 1U) << "within a second after that";
  advance(Duration::seconds(3));
  EXPECT_EQ(solicitations(), 0U);
  advance(Duration::seconds(1));
  EXPECT_EQ(solicitations(), 1U) << "RFC 4861: 4 s later";
  advance(Duration::seconds(8));
  EXPECT_EQ(solicitations(), 1U) << "RFC 7559: twice as long each time";
  advance(Duration::seconds(15));
  EXPECT_EQ(solicitations(), 0U);
  hear({.lifetime_s = 600});
  advance(Duration::seconds(599));
  EXPECT_EQ(solicitations(), 0U);
  advance(Duration::seconds(6));
  EXPECT_EQ(solicitations(), 1U) << "the only one is gone";
  EXPECT_EQ(counter("router_solicitations"), 4U);
}

// Also where a gateway is configured: what is wanted is prefixes. The host has IPv6 by autoconfiguration only.
TEST_F(RouterDiscoveryTest, ForPrefixesRoutersAreAskedFromALinkLocalAddress) {
  TearDown();
  test::HostConfig c = config(false);
  c.addresses = {"10.0.0.1/24"};
  c.gateways = {"fe80::9"};
  c.slaac = true;
  make(c);
  host->stack().start(now, 1);
  advance(Duration::milliseconds(2001));
  unsigned asked = 0;
  for (const Frame& sent : host->take_sent()) {
    if (sent[12] != 0x86 || sent[54] != wire::kIcmpv6RouterSolicitation) continue;
    ++asked;
    EXPECT_EQ(sent.size(), 70U);
    EXPECT_EQ(sent[22] << 8 | sent[23], 0xfe80) << "its own link-local address";
  }
  EXPECT_EQ(asked, 1U);
  EXPECT_EQ(hear({.from = 3, .prefix_and_mtu = true}), Verdict::kNdHandled);
  EXPECT_EQ(counter("routers"), 0U) << "the gateway is configured";
  EXPECT_EQ(counter("router_advertisements"), 1U);
  EXPECT_EQ(counter("neighbours_learned"), 0U);
  advance(Duration::seconds(20));
  EXPECT_EQ(solicitations(), 0U) << "one was heard";
  EXPECT_EQ(counter("slaac_addresses"), 2U);
}

TEST_F(RouterDiscoveryTest, ARouterMayGiveBothAnAddressAndTheWayOut) {
  TearDown();
  test::HostConfig c = config(true);
  c.addresses = {"10.0.0.1/24"};
  c.slaac = true;
  make(c);
  host->stack().start(now, 1);
  hear({.from = 3, .prefix_and_mtu = true});
  advance(Duration::seconds(3));
  const Autoconfigured& has = host->stack().autoconfigured(0);
  ASSERT_EQ(has.n_addresses, 2);
  EXPECT_EQ(way_out(has.addresses[1].address, ip("fd98::5")), 3);
}

TEST_F(RouterDiscoveryTest, AskingBecomesRare) {
  host->stack().start(now, 1);
  advance(Duration::seconds(100'000));
  const unsigned before = solicitations();
  advance(Duration::seconds(36'000));
  EXPECT_EQ(solicitations(), 10U) << "once an hour, after " << before;
}

}  // namespace
}  // namespace sluice::stack
