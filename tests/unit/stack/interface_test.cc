// SPDX-License-Identifier: BSD-3-Clause
#include "stack/interface.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/address_hash.h"
#include "stack/listeners.h"
#include "stack/rate_limit.h"

namespace sluice::stack {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

Addresses two_interfaces() {
  InterfaceConfig front;
  front.addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("10.0.0.2/24").value(),
                     InterfaceAddress::parse("fd00::1/64").value()};
  front.gateways = {ip("10.0.0.254"), ip("fd00::fe")};
  InterfaceConfig back;
  back.mtu = 9000;
  back.addresses = {InterfaceAddress::parse("192.168.7.1/30").value()};
  return Addresses({front, back});
}

TEST(AddressesTest, FindsOursAndNobodyElses) {
  const Addresses a = two_interfaces();
  EXPECT_EQ(a.find(ip("10.0.0.2")), 1);
  EXPECT_EQ(a.find(ip("fd00::1")), 2);
  EXPECT_EQ(a.find(ip("192.168.7.1")), 3);
  EXPECT_EQ(a.find(ip("10.0.0.3")), kNoAddress);
  EXPECT_EQ(a.find(ip("fd00::2")), kNoAddress);
  EXPECT_EQ(a.mss()[0], 1460);
  EXPECT_EQ(a.mss()[2], 1440);
  EXPECT_EQ(a.mss()[3], 8960);
}

// What a received segment costs depends on it.
TEST(AddressesTest, NeighbouringAddressesDoNotCrowdInTheTable) {
  for (const unsigned byte : {15U, 14U, 13U}) {
    for (const char* text : {"10.78.0.0", "172.16.0.0", "fd00:0:0:77::"}) {
      constexpr std::size_t kPlaces = 512;
      std::vector<unsigned> used(kPlaces);
      for (unsigned i = 0; i < 250; ++i) {
        IpAddress address = ip(text);
        address.bytes[byte] = static_cast<std::uint8_t>(i);
        ++used[spread(address, 0, kPlaces)];
      }
      EXPECT_LE(*std::max_element(used.begin(), used.end()), 3U) << text << ", byte " << byte;
    }
  }
}

TEST(AddressesTest, NextHopIsTheHostOnLinkElseTheGatewayElseNobody) {
  const Addresses a = two_interfaces();
  const IpAddress near = ip("10.0.0.77");
  const IpAddress far = ip("8.8.8.8");
  const IpAddress near6 = ip("fd00::77");
  const IpAddress far6 = ip("2001:db8::1");
  EXPECT_EQ(a.next_hop(0, near), &near);
  EXPECT_EQ(*a.next_hop(0, far), ip("10.0.0.254"));
  EXPECT_EQ(a.next_hop(2, near6), &near6);
  EXPECT_EQ(*a.next_hop(2, far6), ip("fd00::fe"));
  EXPECT_EQ(a.next_hop(3, far), nullptr) << "the second interface has no gateway";
  EXPECT_FALSE(a.on_link(1, ip("192.168.7.4"))) << "outside the /30";
  EXPECT_TRUE(a.on_link(1, ip("192.168.7.2")));
}

TEST(AddressesTest, RoutesComeBeforeTheGatewayTheLongestPrefixFirst) {
  InterfaceConfig front;
  front.addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("fd00::1/64").value()};
  front.gateways = {ip("10.0.0.254")};
  for (const char* text : {"10.9.0.0/16 via 10.0.0.9", "10.9.7.0/24 via 10.0.0.97", "10.0.0.0/8 via 10.0.0.8",
                           "2001:db8::/32 via fe80::9"}) {
    front.routes.push_back(Route::parse(text).value());
  }
  const Addresses a({front});
  EXPECT_EQ(*a.next_hop(0, ip("10.9.7.1")), ip("10.0.0.97"));
  EXPECT_EQ(*a.next_hop(0, ip("10.9.8.1")), ip("10.0.0.9"));
  EXPECT_EQ(*a.next_hop(0, ip("10.8.0.1")), ip("10.0.0.8"));
  EXPECT_EQ(*a.next_hop(0, ip("10.0.0.77")), ip("10.0.0.77")) << "on-link before all";
  EXPECT_EQ(*a.next_hop(0, ip("11.0.0.1")), ip("10.0.0.254"));
  EXPECT_EQ(*a.next_hop(1, ip("2001:db8::1")), ip("fe80::9"));
  EXPECT_EQ(a.next_hop(1, ip("2001:db9::1")), nullptr);
  EXPECT_EQ(a.source_for(ip("2001:db8::1")), 1);
}

TEST(AddressesTest, LinkLocalNeighboursAreOnLinkWhereIpv6Is) {  // RFC 4861 5.1
  InterfaceConfig front;
  front.addresses = {InterfaceAddress::parse("fd77::1/64").value()};
  front.gateways = {ip("fd77::fe")};
  InterfaceConfig back;
  back.addresses = {InterfaceAddress::parse("192.168.7.1/30").value()};
  const Addresses a({front, back});
  const IpAddress neighbour = ip("fe80::9");
  const IpAddress last = ip("febf:ffff::9");
  EXPECT_EQ(a.next_hop(0, neighbour), &neighbour);
  EXPECT_EQ(a.next_hop(0, last), &last);
  EXPECT_EQ(*a.next_hop(0, ip("fec0::9")), ip("fd77::fe"));
  EXPECT_TRUE(a.on_link(0, neighbour));
  EXPECT_FALSE(a.on_link(1, neighbour)) << "no IPv6 there";
}

TEST(AddressesTest, TheLinkLocalNetworkTellsNoInterfaceFromAnother) {
  const auto config = [](const char* text) {
    InterfaceConfig interface;
    interface.addresses = {InterfaceAddress::parse(text).value()};
    return interface;
  };
  EXPECT_EQ(Addresses({config("fd77::1/64"), config("fe80::77/64")}).source_for(ip("fe80::9")), 1);
  EXPECT_EQ(Addresses({config("fd77::1/64")}).source_for(ip("fe80::9")), kNoAddress);
}

// ::/0 holds every IPv4 address, as those are kept mapped into IPv6.
TEST(AddressesTest, NoFamilyTakesTheOthersWay) {
  InterfaceConfig front;
  front.addresses = {InterfaceAddress::parse("fd00::1/0").value(), InterfaceAddress::parse("10.0.0.1/24").value()};
  front.routes = {Route::parse("::/0 via fe80::9").value()};
  const Addresses a({front});
  EXPECT_EQ(a.next_hop(1, ip("192.0.2.1")), nullptr);
  EXPECT_EQ(a.source_for(ip("192.0.2.1")), kNoAddress);
  EXPECT_EQ(a.source_for(ip("10.0.0.7")), 1);
  EXPECT_EQ(a.source_for(ip("2001:db8::1")), 0);
}

TEST(AddressesTest, ADisabledAddressIsNobodys) {
  Addresses a = two_interfaces();
  a.disable(2);
  EXPECT_EQ(a.find(ip("fd00::1")), kNoAddress);
  EXPECT_EQ(a.source_for(ip("2001:db8::1")), kNoAddress);
  EXPECT_EQ(a.find(ip("10.0.0.1")), 0);
  EXPECT_EQ(a.find(ip("192.168.7.1")), 3);
}

TEST(AddressesTest, TheNextAddressOfANetworkStandsInForADisabledOne) {
  Addresses a = two_interfaces();
  EXPECT_EQ(a.source_for(ip("10.0.0.77")), 0);
  a.disable(0);
  EXPECT_EQ(a.source_for(ip("10.0.0.77")), 1);
  EXPECT_EQ(a.source_for(ip("192.168.7.2")), 3);
}

TEST(AddressesTest, SourcesAreThoseOfTheInterfaceAndFamily) {
  InterfaceConfig front;
  for (const char* text : {"10.0.0.1/24", "10.0.0.2/24", "10.1.0.1/16", "fd00::1/64", "fd00::2/64"}) {
    front.addresses.push_back(InterfaceAddress::parse(text).value());
  }
  front.sources = {ip("10.1.0.1"), ip("10.0.0.2"), ip("fd00::2")};
  InterfaceConfig back;
  back.addresses = {InterfaceAddress::parse("192.168.7.1/30").value()};
  const Addresses a({front, back});
  const auto list = [&](std::uint16_t primary) {
    const auto sources = a.sources(primary);
    return std::vector<std::uint16_t>(sources.begin(), sources.end());
  };
  EXPECT_EQ(list(0), (std::vector<std::uint16_t>{2, 1}));
  EXPECT_EQ(list(3), (std::vector<std::uint16_t>{4}));
  EXPECT_EQ(list(5), std::vector<std::uint16_t>{});
}

TEST(AddressesTest, SourceForARemoteIsOnItsLinkElseWhereAGatewayIs) {
  const Addresses a = two_interfaces();
  EXPECT_EQ(a.source_for(ip("192.168.7.2")), 3);
  EXPECT_EQ(a.source_for(ip("8.8.8.8")), 0);
  EXPECT_EQ(a.source_for(ip("2001:db8::1")), 2);
}

Addresses interfaces_of(const std::vector<std::vector<const char*>>& addresses, const std::vector<const char*>& gateways,
                        const std::vector<std::vector<const char*>>& routes = {}) {
  std::vector<InterfaceConfig> all(addresses.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const char* text : addresses[i]) all[i].addresses.push_back(InterfaceAddress::parse(text).value());
    if (i < routes.size()) {
      for (const char* text : routes[i]) all[i].routes.push_back(Route::parse(text).value());
    }
  }
  for (const char* text : gateways) all[0].gateways.push_back(ip(text));  // of the first
  return Addresses(all);
}

// Of all interfaces, not of the first that has any way.
TEST(AddressesTest, SourceForARemoteIsOfTheInterfaceWithTheLongestPrefix) {
  const Addresses routed = interfaces_of({{"203.0.113.5/24"}, {"192.168.1.2/24"}}, {"203.0.113.1"},
                                         {{}, {"172.16.0.0/12 via 192.168.1.1"}});
  EXPECT_EQ(routed.source_for(ip("172.16.5.5")), 1);
  EXPECT_EQ(routed.source_for(ip("192.168.1.9")), 1);
  EXPECT_EQ(routed.source_for(ip("8.8.8.8")), 0);
  const Addresses nested = interfaces_of({{"10.0.0.5/8", "fd00::5/16"}, {"10.77.0.1/24", "fd00:77::1/64"}, {"10.77.1.1/24"}}, {},
                                         {{"10.77.1.0/24 via 10.0.0.9", "10.77.1.128/25 via 10.0.0.9"}});
  EXPECT_EQ(nested.source_for(ip("10.77.0.9")), 2);
  EXPECT_EQ(nested.source_for(ip("10.78.0.9")), 0);
  EXPECT_EQ(nested.source_for(ip("fd00:77::9")), 3);
  EXPECT_EQ(nested.source_for(ip("fd00:78::9")), 1);
  EXPECT_EQ(nested.source_for(ip("10.77.1.9")), 4) << "the first interface has it on-link by its /8, before any route";
  const Addresses same = interfaces_of({{"10.0.0.5/16"}, {"10.77.1.1/24"}}, {}, {{"10.77.1.0/24 via 10.0.0.9"}});
  EXPECT_EQ(same.source_for(ip("10.77.1.9")), 1) << "on-link before a route of the same length";
}

TEST(AddressesTest, ADisabledAddressLeavesTheNextInterfaceToBeTheSource) {
  Addresses nested = interfaces_of({{"10.0.0.5/8"}, {"10.77.0.1/24"}}, {});
  nested.disable(1);
  EXPECT_EQ(nested.source_for(ip("10.77.0.9")), 0);
}

TEST(AddressesTest, ALinkLocalAddressIsTheSourceForOthersOfTheLinkOnly) {  // RFC 6724 5, rule 2
  Addresses a = interfaces_of({{"fe80::77/64", "fd77::1/64"}}, {"fe80::1"});
  EXPECT_EQ(a.source_for(ip("2001:db8::1")), 1);
  EXPECT_EQ(a.source_for(ip("fd77::9")), 1);
  EXPECT_EQ(a.source_for(ip("fe80::9")), 0);
  a.disable(1);
  EXPECT_EQ(a.source_for(ip("2001:db8::1")), 0) << "better than none";
  const Addresses two = interfaces_of({{"fe80::77/64"}, {"fe80::78/64", "fd77::1/64"}}, {}, {{}, {"2001:db8::/32 via fe80::1"}});
  EXPECT_EQ(two.source_for(ip("2001:db8::1")), 2);
}

TEST(AddressesTest, BroadcastsAreThoseOfThePrefixesAndTheLimitedOne) {
  const Addresses a = two_interfaces();
  EXPECT_TRUE(a.is_broadcast(ip("255.255.255.255")));
  EXPECT_TRUE(a.is_broadcast(ip("10.0.0.255")));
  EXPECT_TRUE(a.is_broadcast(ip("192.168.7.3")));
  EXPECT_FALSE(a.is_broadcast(ip("192.168.7.2")));
  EXPECT_FALSE(a.is_broadcast(ip("10.0.1.255")));
}

struct PlacesTest : testing::Test {
  static std::vector<InterfaceConfig> interfaces() {
    InterfaceConfig front;
    front.mtu = 9000;
    front.slaac = true;
    front.addresses = {InterfaceAddress::parse("10.0.0.1/24").value()};
    front.gateways = {ip("fe80::9")};
    InterfaceConfig back;
    back.addresses = {InterfaceAddress::parse("fd00::1/64").value()};
    return {front, back};
  }
  std::uint16_t add(const char* address) { return addresses.add(0, config[0], ip(address)); }
  void on_link(const std::vector<Autoconfigured::Prefix>& prefixes) { addresses.set_on_link(0, prefixes); }

  std::vector<InterfaceConfig> config = interfaces();
  Addresses addresses{config};
};

TEST_F(PlacesTest, AreThereForAutoconfiguredAddressesAndNobodyElses) {
  const std::uint16_t* mss = addresses.mss();
  EXPECT_EQ(addresses.size(), 2 + Autoconfigured::kMostAddresses);
  EXPECT_EQ(addresses.autoconfigured(1).first, addresses.autoconfigured(1).end);
  EXPECT_EQ(addresses.autoconfigured_now(), 0U);
  EXPECT_EQ(addresses.find(ip("::")), kNoAddress) << "an empty place is not the unspecified address";
  const std::uint16_t local = add("fd99::1");
  EXPECT_EQ(addresses.find(ip("fd99::1")), local);
  EXPECT_TRUE(addresses.is_autoconfigured(local));
  EXPECT_FALSE(addresses.is_autoconfigured(1));
  EXPECT_EQ(addresses[local].interface, 0);
  EXPECT_EQ(addresses.mss()[local], 8940);
  EXPECT_EQ(addresses.mss(), mss) << "connections have a pointer to it";
  EXPECT_EQ(addresses.autoconfigured_now(), 1U);
}

TEST_F(PlacesTest, AreTakenUntilTheyAreReleased) {
  for (std::size_t i = 1; i <= Autoconfigured::kMostAddresses; ++i) EXPECT_NE(add(("fd99::" + std::to_string(i)).c_str()), kNoAddress);
  EXPECT_EQ(add("fd98::1"), kNoAddress);
  const std::uint16_t third = addresses.find(ip("fd99::3"));
  addresses.disable(third);
  EXPECT_EQ(addresses.find(ip("fd99::3")), kNoAddress);
  EXPECT_EQ(add("fd98::1"), kNoAddress) << "its connections are there still";
  addresses.release(third);
  EXPECT_EQ(add("fd98::1"), third);
  EXPECT_EQ(addresses.find(ip("fd98::1")), third);
}

TEST_F(PlacesTest, WhatRoutersCallOnLinkIsAndTheRestGoesByTheGateway) {
  const std::uint16_t local = add("fd99::1");
  EXPECT_EQ(*addresses.next_hop(local, ip("fe80::77")), ip("fe80::77")) << "whatever they say";
  EXPECT_EQ(*addresses.next_hop(local, ip("fd99::2")), ip("fe80::9")) << "an address says nothing of its neighbours (RFC 5942)";
  on_link({{ip("fd99::"), 64}, {ip("fd98:8000::"), 17}});
  EXPECT_EQ(*addresses.next_hop(local, ip("fd99::2")), ip("fd99::2"));
  EXPECT_EQ(*addresses.next_hop(local, ip("fd98:9000::2")), ip("fd98:9000::2"));
  EXPECT_EQ(*addresses.next_hop(local, ip("fd98:7000::2")), ip("fe80::9"));
  EXPECT_EQ(addresses.next_hop(1, ip("fd99::2")), nullptr) << "of one interface only";
  on_link({});
  EXPECT_EQ(*addresses.next_hop(local, ip("fd99::2")), ip("fe80::9"));
  EXPECT_EQ(*addresses.next_hop(local, ip("fe80::77")), ip("fe80::77"));
}

TEST_F(PlacesTest, SourcesAreOfTheScopeOfTheDestinationAndPreferred) {
  const std::uint16_t link_local = add("fe80::1");
  EXPECT_EQ(addresses.source_for(ip("2001:db8::1")), link_local) << "better than none";
  const std::uint16_t old = add("fd98::1");
  const std::uint16_t fresh = add("fd99::1");
  on_link({{ip("fd98::"), 64}, {ip("fd99::"), 64}});
  EXPECT_EQ(addresses.source_for(ip("2001:db8::1")), old);
  EXPECT_EQ(addresses.source_for(ip("fd99::2")), fresh) << "of its network";
  EXPECT_EQ(addresses.source_for(ip("fe80::2")), link_local);
  addresses.deprecate(old, true);
  EXPECT_EQ(addresses.source_for(ip("2001:db8::1")), fresh);
  EXPECT_EQ(addresses.source_for(ip("fd98::2")), fresh);
  addresses.deprecate(fresh, true);
  EXPECT_EQ(addresses.source_for(ip("2001:db8::1")), old) << "scope comes first";
  EXPECT_EQ(addresses.source_for(ip("fd98::2")), old);
}

TEST_F(PlacesTest, ADeprecatedSourceOnTheLinkIsBetterThanTheWayOfAnotherInterface) {
  config[1].gateways = {ip("fd00::fe")};
  addresses = Addresses(config);
  const std::uint16_t local = add("fd99::1");
  on_link({{ip("fd99::"), 64}});
  addresses.deprecate(local, true);
  EXPECT_EQ(addresses.source_for(ip("fd99::2")), local);
  EXPECT_EQ(addresses.source_for(ip("2001:db8::1")), local) << "the first gateway";
}

TEST(PrefixTest, ComparesBitsWithinTheFamily) {
  EXPECT_TRUE(same_prefix(ip("10.1.2.3"), ip("10.1.2.200"), 24));
  EXPECT_FALSE(same_prefix(ip("10.1.2.3"), ip("10.1.2.200"), 25));
  EXPECT_TRUE(same_prefix(ip("10.1.2.3"), ip("200.1.2.3"), 0));
  EXPECT_FALSE(same_prefix(ip("10.1.2.3"), ip("fd00::1"), 0));
  EXPECT_TRUE(same_prefix(ip("fd00::1"), ip("fd00::1"), 128));
  EXPECT_FALSE(same_prefix(ip("fd00::1"), ip("fd00::2"), 127));
}

struct ListenersTest : testing::Test {
  Listeners listeners;

  std::uint16_t add(const char* address, std::uint16_t port, std::uint16_t local) {
    Listener l;
    l.address = ip(address);
    l.v4 = l.address.is_v4();
    l.port = port;
    l.local_addr = local;
    return listeners.add(l);
  }
};

TEST_F(ListenersTest, TheExactAddressComesBeforeTheWildcardOfItsFamily) {
  const auto any4 = add("0.0.0.0", 80, kNoAddress);
  const auto any6 = add("::", 80, kNoAddress);
  const auto exact = add("10.0.0.1", 80, 0);
  EXPECT_EQ(listeners.find(0, true, 80), exact);
  EXPECT_EQ(listeners.find(1, true, 80), any4);
  EXPECT_EQ(listeners.find(2, false, 80), any6);
  EXPECT_EQ(listeners.find(0, true, 81), Listeners::kNone);
  listeners.remove(exact);
  EXPECT_EQ(listeners.find(0, true, 80), any4);
  listeners.remove(any4);
  EXPECT_EQ(listeners.find(0, true, 80), Listeners::kNone) << "[::] is IPv6 only";
  EXPECT_EQ(listeners.open(), 1U);
}

TEST_F(ListenersTest, AnIndexIsNotUsedAgainWhileHalfOpenConnectionsNameIt) {
  const auto first = add("10.0.0.1", 80, 0);
  listeners[first].half_open = 1;
  listeners.remove(first);
  EXPECT_NE(add("10.0.0.1", 80, 0), first);
  listeners[first].half_open = 0;
  EXPECT_EQ(add("10.0.0.2", 81, 1), first);
}

TEST_F(ListenersTest, TheSameEndpointIsTaken) {
  add("10.0.0.1", 80, 0);
  EXPECT_TRUE(listeners.taken(ip("10.0.0.1"), 80));
  EXPECT_TRUE(listeners.taken(ip("0.0.0.0"), 80));
  EXPECT_FALSE(listeners.taken(ip("::"), 80));
  EXPECT_FALSE(listeners.taken(ip("10.0.0.2"), 80));
  EXPECT_FALSE(listeners.taken(ip("10.0.0.1"), 81));
}

TEST(TokenBucketTest, LimitsABurstAndRefillsByADifferentAmountEachTime) {
  Rng rng(7);
  TokenBucket bucket(2000);  // a hundred in 50 ms
  Instant now = Instant{} + Duration::seconds(1);
  std::vector<int> taken;
  for (int slice = 0; slice < 20; ++slice) {
    int n = 0;
    while (bucket.take(now, rng)) ++n;
    EXPECT_GT(n, 74);
    EXPECT_LE(n, 100);
    taken.push_back(n);
    now = now + Duration::milliseconds(50);
  }
  EXPECT_NE(*std::min_element(taken.begin(), taken.end()), *std::max_element(taken.begin(), taken.end()))
      << "a constant would tell a stranger how many answers others had";
}

}  // namespace
}  // namespace sluice::stack
