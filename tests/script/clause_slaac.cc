// SPDX-License-Identifier: BSD-3-Clause
// Stateless address autoconfiguration (RFC 4862 5.5, RFC 7217): an address of an advertised prefix from the probe to its end. The
// host has fd00::1 by configuration, the router says it is none: only its prefixes count.
#include <algorithm>
#include <string>
#include <vector>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/checksum.h"
#include "wire/icmpv6.h"

namespace sluice::script {

namespace {

struct Advertised {
  std::string prefix = "fd99::";
  std::uint32_t valid_s = 86'400, preferred_s = 14'400;
  std::uint8_t flags = 0xc0;  // on-link, autonomous
};

struct SlaacScript {
  explicit SlaacScript(bool slaac = true, bool dad = true) : d(Ip::kV6, scene(slaac, dad)) {
    EXPECT_TRUE(d.host().listen(d.service(), {IpAddress{}, 80}, d.options(), 1024).ok());
    d.stack().start(d.now(), 1);
    d.advance(1100ms);  // the addresses that are there from the start, tried and announced
    (void)d.take_icmp();
  }
  ~SlaacScript() { (void)d.take_icmp(); }
  static Scene scene(bool slaac, bool dad) {
    Scene s;
    s.listen = false;
    s.host.addresses = {"fd00::1/64"};  // nothing that ARP announces: the other end would answer
    s.host.slaac = slaac;
    s.host.dad = dad;
    return s;
  }
  static IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

  void hear(const std::vector<Advertised>& prefixes) {
    Frame body(8);
    for (const Advertised& each : prefixes) {
      Frame option{3, 4, 64, each.flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      wire::store_be32(&option[4], each.valid_s);
      wire::store_be32(&option[8], each.preferred_s);
      const IpAddress prefix = ip(each.prefix);
      body.insert(body.end(), option.begin(), option.end());
      body.insert(body.end(), prefix.bytes.begin(), prefix.bytes.end());
    }
    const IpAddress all = ip("ff02::1");
    Frame frame = icmp_frame({d.peer_mac(), wire::ipv6_multicast_mac(all), ip("fe80::2"), all}, 134, 0, body);
    frame[21] = 255;
    d.send_frame(frame);
  }
  // The address that is asked for next in the prefix; :: if none is for ten seconds.
  IpAddress probed(const std::string& prefix = "fd99::") {
    for (int i = 0; i < 1000; ++i) {
      for (const Frame& f : d.take_icmp()) {
        IpAddress target;
        std::copy_n(f.begin() + 62, 16, target.bytes.begin());
        if (f[54] != 135 || !std::equal(target.bytes.begin(), target.bytes.begin() + 8, ip(prefix).bytes.begin())) continue;
        EXPECT_EQ(f.size(), 78U) << "no option";
        EXPECT_EQ(f[21], 255);
        const IpAddress group = wire::solicited_node(target);
        EXPECT_TRUE(std::equal(group.bytes.begin(), group.bytes.end(), f.begin() + 38));
        return target;
      }
      d.advance(10ms);
    }
    return {};
  }
  IpAddress made(const std::string& prefix = "fd99::") {
    const IpAddress address = probed(prefix);
    d.advance(1100ms);  // of several changes the second may be told a little later
    (void)d.take_icmp();
    return address;
  }
  // Whether a solicitation for it is answered.
  bool answers(const IpAddress& target) {
    d.send_frame(neighbour_frame({d.peer_mac(), d.host().mac(), d.peer_address(), target}, true, target));
    const auto said = d.take_icmp();
    return said.size() == 1 && said[0][54] == 136 && std::equal(target.bytes.begin(), target.bytes.end(), said[0].begin() + 62);
  }
  Peer& peer_of(const IpAddress& ours, const std::string& from = "fd99::2", std::uint16_t our_port = 80) {
    return d.add_peer(++last_port, ip(from), our_port, ours);
  }
  // Another station says that it has `target`, or tries it too.
  void object(const IpAddress& target, bool advertises, const wire::MacAddress& mac) {
    const IpAddress all = ip("ff02::1");
    const Addresses from{mac, wire::ipv6_multicast_mac(all), advertises ? target : IpAddress{},
                         advertises ? all : wire::solicited_node(target)};
    Frame frame = neighbour_frame(from, !advertises, target);
    if (advertises) {
      frame[58] = 0x20;  // overrides, answers nobody
      wire::store_be16(&frame[56], 0);
      wire::store_checksum(&frame[56], wire::sum_bytes(&frame[54], 32) +
                                           wire::pseudo_sum_v6(&frame[22], &frame[38], wire::kProtoIcmpv6, 32));
    }
    d.send_frame(frame);
  }

  Dialogue d;
  std::uint16_t last_port = 41'000;
};

constexpr wire::MacAddress kRival{0x02, 0, 0, 0, 0, 0x77};

}  // namespace

TEST(OverIpv6, AnAdvertisedPrefixMakesAnAddress) {
  SlaacScript s;
  s.hear({{}});
  s.d.verdict_is(Verdict::kNdHandled);
  const Instant heard = s.d.now();
  const IpAddress ours = s.probed();
  ASSERT_NE(ours, IpAddress{}) << "it is tried for duplicates";
  EXPECT_LE(s.d.now() - heard, Duration::seconds(1));
  EXPECT_FALSE(s.answers(ours)) << "not ours yet";
  Peer& early = s.peer_of(ours);
  early.send(SYN, seq(0), mss(1000));
  s.d.verdict_is(Verdict::kIpNotForUs);
  s.d.advance(1s);
  const auto said = s.d.take_icmp();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0][54], 136) << "announced";
  EXPECT_TRUE(std::equal(ours.bytes.begin(), ours.bytes.end(), said[0].begin() + 62));
  EXPECT_TRUE(s.answers(ours));
  EXPECT_EQ(s.d.counter("slaac_addresses"), 2U) << "and a link-local one";
  Peer& peer = s.peer_of(ours);
  peer.establish();
  peer.send(ACK, seq(1), ack(1), data("hello"));
  peer.expect(ACK, seq(1), ack(6));
  EXPECT_EQ(peer.app().received(), "hello");
  peer.app().send("x");
  peer.expect(ACK, seq(1), ack(6), data("x"));
}

// RFC 4862 5.4.2: switches that forward groups to listeners only must not keep the answer from us.
TEST(OverIpv6, TheGroupOfAnAddressIsReportedBeforeItIsTried) {
  SlaacScript s;
  s.hear({{}});
  std::vector<Frame> said;
  for (Instant at = s.d.now(); at < s.d.now() + Duration::seconds(1); at = at + Duration::milliseconds(10)) {
    s.d.host().advance(at);
    for (Frame& frame : s.d.host().take_sent()) said.push_back(std::move(frame));
  }
  ASSERT_GE(said.size(), 2U);
  const auto probe = std::find_if(said.begin(), said.end(), [](const Frame& f) { return f[20] == 58 && f[54] == 135; });
  ASSERT_NE(probe, said.end());
  ASSERT_NE(probe, said.begin());
  const Frame& report = *(probe - 1);
  ASSERT_EQ(report.size(), 90U);
  EXPECT_EQ(report[62], 143);
  EXPECT_TRUE(std::equal(probe->begin() + 38, probe->begin() + 54, report.begin() + 74)) << "the group that the probe goes to";
}

TEST(OverIpv6, PrefixesMakeNothingUnlessTheyAreToldTo) {
  SlaacScript s(false);
  s.hear({{}});
  s.d.verdict_is(Verdict::kNdIgnored);
  EXPECT_EQ(s.probed(), IpAddress{});
  EXPECT_EQ(s.d.counter("slaac_addresses"), 0U);
}

TEST(OverIpv6, WithoutDuplicateDetectionTheAddressIsUsedAtOnce) {
  SlaacScript s(true, false);
  s.hear({{}});
  s.d.advance(0s);
  const auto said = s.d.take_icmp();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0][54], 136);
  IpAddress ours;
  std::copy_n(said[0].begin() + 62, 16, ours.bytes.begin());
  EXPECT_TRUE(s.answers(ours));
}

TEST(OverIpv6, AnAddressThatSomebodyHasGivesWayToAnother) {
  for (const bool advertises : {true, false}) {
    SlaacScript s;
    s.hear({{}});
    const IpAddress first = s.probed();
    s.object(first, advertises, s.d.host().mac());
    s.d.verdict_is(advertises ? Verdict::kNdHandled : Verdict::kNdIgnored);
    EXPECT_EQ(s.d.counter("slaac_conflicts"), 0U) << "our own frame that came back is none";
    s.object(first, advertises, kRival);
    s.d.verdict_is(Verdict::kAddressConflict);
    const Instant failed = s.d.now();
    const IpAddress second = s.probed();
    EXPECT_GE(s.d.now() - failed, Duration::seconds(1)) << "RFC 7217 6: IDGEN_DELAY";
    EXPECT_NE(second, first);
    s.d.advance(1100ms);
    (void)s.d.take_icmp();
    EXPECT_TRUE(s.answers(second));
    EXPECT_FALSE(s.answers(first));
    Peer& peer = s.peer_of(second);
    peer.establish();
    EXPECT_EQ(s.d.counter("slaac_conflicts"), 1U);
    EXPECT_EQ(s.d.counter("addresses_disabled"), 0U);
  }
}

TEST(OverIpv6, AfterFourConflictsThePrefixIsGivenUp) {
  SlaacScript s;
  s.hear({{}});
  std::vector<IpAddress> tried;
  for (int i = 0; i < 4; ++i) {
    tried.push_back(s.probed());
    s.object(tried.back(), i % 2 == 0, kRival);
    s.d.verdict_is(Verdict::kAddressConflict);
  }
  std::sort(tried.begin(), tried.end());
  EXPECT_EQ(std::unique(tried.begin(), tried.end()), tried.end());
  EXPECT_EQ(s.d.counter("slaac_conflicts"), 4U);
  EXPECT_EQ(s.d.counter("addresses_disabled"), 1U);
  s.hear({{}});
  EXPECT_EQ(s.probed(), IpAddress{}) << "nor does the next advertisement begin anew";
  for (const IpAddress& each : tried) EXPECT_FALSE(s.answers(each));
  EXPECT_EQ(s.d.counter("slaac_addresses"), 1U) << "the link-local one";
}

TEST(OverIpv6, AnAddressInUseIsDefended) {
  SlaacScript s;
  s.hear({{}});
  const IpAddress ours = s.made();
  s.object(ours, true, kRival);
  s.d.verdict_is(Verdict::kAddressConflict);
  const auto said = s.d.take_icmp();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0][54], 136);
  EXPECT_TRUE(s.answers(ours));
}

// RFC 4862 5.5.3 (e)
TEST(OverIpv6, NobodyEndsAnAddressFasterThanInTwoHours) {
  SlaacScript s;
  s.hear({{.valid_s = 36'000, .preferred_s = 36'000}});
  const IpAddress ours = s.made();
  s.hear({{.valid_s = 0, .preferred_s = 0}});
  s.d.advance(7199s);
  EXPECT_TRUE(s.answers(ours));
  s.hear({{.valid_s = 600, .preferred_s = 600}});
  s.d.advance(10s);
  EXPECT_TRUE(s.answers(ours)) << "600 s are more than are left";
  s.d.advance(580s);
  s.hear({{.valid_s = 1, .preferred_s = 1}});
  s.d.advance(5s);
  EXPECT_TRUE(s.answers(ours)) << "less than two hours are left: they stay as they are";
  s.d.advance(6s);
  EXPECT_FALSE(s.answers(ours));
  EXPECT_EQ(s.d.counter("slaac_addresses"), 1U);
}

TEST(OverIpv6, ADeprecatedAddressServesAndIsNotChosen) {
  SlaacScript s;
  s.hear({{}});
  const IpAddress ours = s.made();
  Peer& before = s.peer_of(ours);
  before.establish();
  const auto opened_from = [&](std::uint16_t port) {
    Peer& to = s.d.add_peer(6000, s.ip("fd99::2"), port, ours);
    Peer& or_to = s.d.add_peer(6000, s.ip("fd99::2"), port, s.d.our_address());
    EXPECT_TRUE(s.d.host().connect(s.d.service(), to.remote(), {IpAddress{}, port}, s.d.options()).ok());
    s.d.step();
    const bool first = to.waiting() != 0;
    (first ? to : or_to).expect(SYN, seq(0));
    (first ? to : or_to).send(RST | ACK, seq(0), ack(1));
    return first ? ours : s.d.our_address();
  };
  EXPECT_EQ(opened_from(50'001), ours) << "of the destination's network";
  s.hear({{.preferred_s = 0}});
  s.d.advance(200ms);
  EXPECT_EQ(opened_from(50'002), s.d.our_address()) << "one that is not deprecated";
  before.send(ACK, seq(1), ack(1), data("still here"));
  before.expect(ACK, seq(1), ack(11));
  s.peer_of(ours).establish();
  s.hear({{}});
  s.d.advance(200ms);
  EXPECT_EQ(opened_from(50'003), ours) << "preferred again";
}

TEST(OverIpv6, AnExpiredAddressAndItsConnectionsAreGone) {
  SlaacScript s;
  s.hear({{.valid_s = 100, .preferred_s = 100}});
  const Instant heard = s.d.now();
  const IpAddress ours = s.made();
  Peer& open = s.peer_of(ours);
  open.establish();
  Peer& waits = s.peer_of(ours);
  waits.establish();
  waits.app().close();
  waits.expect(FIN | ACK, seq(1), ack(1));
  waits.send(FIN | ACK, seq(1), ack(2));
  waits.expect(ACK, seq(2), ack(2));
  EXPECT_EQ(s.d.stack().states()[static_cast<std::size_t>(State::kTimeWait)], 1U);
  const Instant end = heard + Duration::seconds(100);
  s.d.advance(std::chrono::microseconds((end - s.d.now()).us() - 1000));
  Peer& half_open = s.peer_of(ours);
  half_open.send(SYN, seq(0), mss(1000));
  half_open.expect(SYN | ACK, seq(0), ack(1));
  EXPECT_FALSE(open.app().closed());
  s.d.advance(5s);
  EXPECT_EQ(open.app().closed(), Errc::kAddressNotAvailable);
  for (Peer* peer : {&open, &waits, &half_open}) {
    peer->expect_silence();  // nothing comes from an address that is not ours any more, no RST either
    peer->send(ACK, ack(1));
    s.d.verdict_is(Verdict::kIpNotForUs);
  }
  EXPECT_EQ(s.d.host().leftover(), nullptr);
  EXPECT_EQ(s.d.counter("slaac_addresses"), 1U);
  EXPECT_FALSE(s.answers(ours));

  s.hear({{}});
  EXPECT_EQ(s.made(), ours) << "the same identifier for the same prefix";
  s.peer_of(ours).establish();
}

TEST(OverIpv6, AnAutoconfiguredAddressIsNotListenedAtByName) {
  SlaacScript s;
  s.hear({{}});
  const IpAddress ours = s.made();
  const auto refused = s.d.host().listen(s.d.service(), {ours, 81}, s.d.options(), 16);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kAddressNotAvailable);
  EXPECT_EQ(refused.error().message, ours.to_string() + " is autoconfigured and may go; listen on [::]");
}

}  // namespace sluice::script
