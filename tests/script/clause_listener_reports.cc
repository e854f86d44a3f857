// SPDX-License-Identifier: BSD-3-Clause
// Multicast listener discovery: switches hear to which groups our neighbours' questions are to be forwarded (RFC 3810, RFC 2710).
#include <algorithm>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/checksum.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"

namespace sluice::script {

namespace {

const IpAddress kQuerier = IpAddress::parse("fe80::99").value();
const IpAddress kAllNodes = IpAddress::parse("ff02::1").value();

struct Said {
  std::uint8_t type = 0, record = 0;  // 143, 131; 0: version 1
  IpAddress from, to;
  std::vector<IpAddress> groups;
};

IpAddress address_at(const Frame& f, std::size_t at) {
  IpAddress address;
  std::copy_n(f.begin() + static_cast<std::ptrdiff_t>(at), 16, address.bytes.begin());
  return address;
}

Said read(const Frame& f) {
  Said said{f[62], 0, address_at(f, 22), address_at(f, 38), {}};
  EXPECT_EQ(f[21], 1) << "hop limit";
  const Frame alert{58, 0, 5, 2, 0, 0, 1, 0};
  EXPECT_TRUE(std::equal(alert.begin(), alert.end(), f.begin() + 54));
  const auto len = static_cast<std::uint32_t>(f.size() - 62);
  EXPECT_EQ(wire::load_be16(&f[18]), len + 8);
  EXPECT_EQ(ones_sum(std::span(f).subspan(62), pseudo(std::span(f).subspan(14), 58, len)), 0xffff);
  const wire::MacAddress mac = wire::ipv6_multicast_mac(said.to);
  EXPECT_TRUE(std::equal(mac.begin(), mac.end(), f.begin()));
  if (said.type == 131) {
    EXPECT_EQ(len, 24U);
    said.groups.push_back(address_at(f, 70));
    EXPECT_EQ(said.groups[0], said.to);
    return said;
  }
  EXPECT_EQ(said.type, 143);
  EXPECT_EQ(said.to, IpAddress::parse("ff02::16").value());
  said.record = f[70];
  EXPECT_EQ(len, 8 + 20U * wire::load_be16(&f[68]));
  for (std::size_t at = 70; at < f.size(); at += 20) {
    EXPECT_EQ(wire::load_be32(&f[at]), std::uint32_t{said.record} << 24U);
    said.groups.push_back(address_at(f, at + 4));
  }
  return said;
}

// A host and its link; nobody there but a querier.
struct Link {
  explicit Link(std::vector<std::string> addresses, bool learn_next_hops = false)
      : d(Ip::kV6, scene_of(std::move(addresses), learn_next_hops)), now(d.now()) {}
  static Scene scene_of(std::vector<std::string> addresses, bool learn_next_hops) {
    Scene scene;
    scene.listen = false;
    scene.host.addresses = std::move(addresses);
    scene.host.stack.learn_next_hops = learn_next_hops;
    return scene;
  }
  // Reports of the time, in order.
  std::vector<Said> pass(Duration time) {
    for (const Instant end = now + time; now < end; now = now + Duration::milliseconds(1)) d.host().advance(now);
    std::vector<Said> all;
    for (const Frame& f : d.host().take_sent()) {
      if (f[12] == 0x86 && f[20] == 0) all.push_back(read(f));
    }
    return all;
  }
  std::vector<Said> start() {
    d.stack().start(now, 1);
    return pass(Duration::milliseconds(1));
  }
  struct Query {
    std::uint16_t code = 1000;
    IpAddress group = {};
    bool v1 = false;
    IpAddress from = kQuerier;
    std::uint8_t hop_limit = 1;
    bool alert = true;
  };
  void ask(const Query& q) {
    const IpAddress to = q.group.is_any() ? kAllNodes : q.group;
    Frame body(q.v1 ? 16 : 20);
    std::copy(q.group.bytes.begin(), q.group.bytes.end(), body.begin());
    Frame frame = icmp_frame({d.peer_mac(), wire::ipv6_multicast_mac(to), q.from, to}, 130, 0, body, std::uint32_t{q.code} << 16U);
    frame[21] = q.hop_limit;
    const Frame alert{0, 0, 5, 2, 0, 0, 1, 0}, padding{0, 0, 1, 4, 0, 0, 0, 0};
    d.host().receive(with_ipv6_extension(frame, 0, q.alert ? alert : padding), now);
  }

  Dialogue d;
  Instant now;
};

IpAddress group(const char* text) { return IpAddress::parse(text).value(); }

}  // namespace

TEST(OverIpv6, GroupsAreReportedTwiceAtStart) {
  Link link({"10.0.0.1/24", "fd00::12:3456/64", "fd01::12:3456/64", "fd00::1/64", "fe80::7/64"});
  const std::vector<IpAddress> groups{group("ff02::1:ff00:1"), group("ff02::1:ff00:7"), group("ff02::1:ff12:3456")};
  std::vector<Said> said = link.start();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].from, IpAddress{}) << "the link-local address is still tried";
  EXPECT_EQ(said[0].record, 4) << "a change";
  EXPECT_EQ(said[0].groups, groups) << "each once";
  EXPECT_TRUE(link.pass(Duration::milliseconds(998)).empty());
  said = link.pass(Duration::milliseconds(1002));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].from, group("fe80::7"));
  EXPECT_EQ(said[0].record, 4);
  EXPECT_EQ(said[0].groups, groups);
  EXPECT_TRUE(link.pass(Duration::seconds(10)).empty());
  EXPECT_EQ(link.d.counter("mld_reports"), 2U);
}

TEST(OverIpv6, ManyGroupsTakeSeveralReports) {
  std::vector<std::string> addresses;
  for (int i = 1; i <= 130; ++i) addresses.push_back("fd00::" + std::to_string(i) + "/64");
  Link link(addresses);
  const std::vector<Said> said = link.start();
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0].groups.size(), 61U) << "1280 bytes";
  EXPECT_EQ(said[0].groups.size() + said[1].groups.size() + said[2].groups.size(), 130U);
}

TEST(OverIpv6, AQueryIsAnsweredWithinItsTime) {
  Link link({"fd00::1/64", "fd00::2/64", "fe80::7/64"});
  (void)link.start();
  (void)link.pass(Duration::seconds(3));
  bool early = false, late = false;
  for (int i = 0; i < 40; ++i) {
    link.ask({.code = 1000});
    const std::size_t first = link.pass(Duration::milliseconds(500)).size();
    const std::size_t second = link.pass(Duration::milliseconds(502)).size();
    ASSERT_EQ(first + second, 1U);
    (first != 0 ? early : late) = true;
    EXPECT_TRUE(link.pass(Duration::milliseconds(400)).empty());
  }
  EXPECT_TRUE(early && late) << "by chance";
  EXPECT_EQ(link.d.count(Verdict::kMldHandled), 40U);
  link.ask({.code = 1000, .group = group("ff02::1:ff00:2")});
  std::vector<Said> said = link.pass(Duration::milliseconds(1002));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].record, 2) << "as it is";
  EXPECT_EQ(said[0].groups, std::vector{group("ff02::1:ff00:2")});
  EXPECT_EQ(said[0].from, group("fe80::7"));
  link.ask({.code = 1000, .group = group("ff02::1:ff00:2")});
  link.ask({.code = 1000, .group = group("ff02::1:ff00:1")});
  said = link.pass(Duration::milliseconds(1002));
  ASSERT_EQ(said.size(), 1U) << "one answer to both";
  EXPECT_EQ(said[0].groups.size(), 3U);
}

TEST(OverIpv6, AQueryOfVersion1IsAnsweredByIt) {
  Link link({"fd00::1/64", "fd00::2/64"});
  (void)link.start();
  (void)link.pass(Duration::seconds(3));
  link.ask({.code = 1000, .v1 = true});
  const std::vector<Said> said = link.pass(Duration::milliseconds(1002));
  ASSERT_EQ(said.size(), 2U);
  for (const Said& each : said) EXPECT_EQ(each.type, 131);
  link.ask({.code = 1000});
  EXPECT_EQ(link.pass(Duration::milliseconds(1002)).at(0).type, 143) << "it is not remembered";
}

TEST(OverIpv6, QueriesThatCannotBeAreIgnored) {
  Link link({"fd00::1/64"});
  (void)link.start();
  (void)link.pass(Duration::seconds(3));
  link.ask({.from = IpAddress::parse("fd00::99").value()});
  link.ask({.hop_limit = 2});
  link.ask({.alert = false});
  link.ask({.group = group("ff02::1:ff00:2")});
  EXPECT_EQ(link.d.count(Verdict::kMldIgnored), 4U);
  EXPECT_TRUE(link.pass(Duration::seconds(2)).empty());
}

// Whatever queriers say of themselves.
TEST(OverIpv6, ReportsAreFewHoweverManyQueriesCome) {
  Link link({"fd00::1/64"});
  (void)link.start();
  (void)link.pass(Duration::seconds(3));
  std::size_t reports = 0;
  for (int i = 0; i < 1000; ++i) {
    link.ask({.code = 0});
    reports += link.pass(Duration::milliseconds(1)).size();
  }
  EXPECT_GE(reports, 4U);
  EXPECT_LE(reports, 5U);
}

TEST(OverIpv6, ADuplicateAddressIsListenedToNoLonger) {
  Link link({"fd00::1/64", "fd00::2/64"});
  (void)link.start();
  const IpAddress taken = group("fd00::2"), asked = wire::solicited_node(taken);
  link.d.host().receive(neighbour_frame({{2, 0, 0, 0, 0, 0x66}, wire::ipv6_multicast_mac(asked), {}, asked}, true, taken), link.now);
  EXPECT_EQ(link.d.counter("addresses_disabled"), 1U);
  const std::vector<Said> said = link.pass(Duration::seconds(3));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].groups, std::vector{group("ff02::1:ff00:1")});
}

TEST(OverIpv6, NothingIsReportedWhereNobodyListens) {
  Link without({"10.0.0.1/24"});
  EXPECT_TRUE(without.start().empty());
  EXPECT_TRUE(without.pass(Duration::seconds(3)).empty());
  Link capture({"fd00::1/64"}, true);
  EXPECT_TRUE(capture.start().empty());
  capture.ask({.code = 0});
  EXPECT_TRUE(capture.pass(Duration::seconds(3)).empty());
}

}  // namespace sluice::script
