// SPDX-License-Identifier: BSD-3-Clause
// Our addresses at start: announced (RFC 5227 2.3, RFC 4861 7.2.6), tried for duplicates (RFC 4862 5.4, RFC 4429),
// defended (RFC 5227 2.4).
#include <algorithm>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmpv6.h"

namespace sluice::script {

namespace {

constexpr wire::MacAddress kOther{0x02, 0, 0, 0, 0, 0x66};

struct Said {
  unsigned arp = 0, solicitations = 0, advertisements = 0;
};

// What the stack says by itself, of both families; every message is about one of its addresses.
Said take(Dialogue& d) {
  Said said;
  for (const Frame& f : d.host().take_sent()) {
    if (f[12] == 0x08 && f[13] == 0x06) {
      ++said.arp;
      EXPECT_EQ(f[0], 0xff) << "to all";
      const auto view = wire::ArpView::parse(std::span(f).subspan(14));
      EXPECT_EQ(view->sender_ip(), view->target_ip());
      EXPECT_EQ(view->sender_mac(), d.host().mac());
    } else if (f[12] == 0x86 && f[20] == 0) {
      continue;  // a report of groups, clause_listener_reports.cc
    } else if (f.size() >= 78 && f[54] == wire::kIcmpv6NeighborSolicitation) {
      ++said.solicitations;
      EXPECT_EQ(f.size(), 78U) << "no option";
      EXPECT_TRUE(std::all_of(f.begin() + 22, f.begin() + 38, [](std::uint8_t byte) { return byte == 0; }));
      EXPECT_EQ(f[21], 255);
    } else if (f.size() >= 86 && f[54] == wire::kIcmpv6NeighborAdvertisement) {
      ++said.advertisements;
      EXPECT_EQ(f[58], 0x20) << "overrides, answers nobody";
    } else {
      ADD_FAILURE() << "something else was said";
    }
  }
  return said;
}

void start(Dialogue& d) { d.stack().start(d.now(), 1); }

// The host's addresses are one of each family.
Said after(Dialogue& d, Duration time) {
  d.host().advance(d.now() + time);
  return take(d);
}

}  // namespace

TEST_P(Family, AddressesAreAnnouncedAtStart) {
  Dialogue d(GetParam());
  start(d);
  Said said = take(d);
  EXPECT_EQ(said.arp, 1U);
  EXPECT_EQ(said.solicitations, 1U);
  EXPECT_EQ(said.advertisements, 0U);
  said = after(d, Duration::milliseconds(1001));
  EXPECT_EQ(said.arp, 0U);
  EXPECT_EQ(said.advertisements, 1U);
  said = after(d, Duration::milliseconds(2001));
  EXPECT_EQ(said.arp, 1U) << "twice, RFC 5227";
  EXPECT_EQ(said.advertisements + said.solicitations, 0U);
  said = after(d, Duration::seconds(20));
  EXPECT_EQ(said.arp + said.advertisements + said.solicitations, 0U);
}

TEST(OverIpv6, TheAddressIsUsedWhileItIsTried) {
  Dialogue d(Ip::kV6);
  start(d);
  (void)take(d);
  d.send_frame(neighbour_frame({d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()}, true, d.our_address()));
  const auto answer = d.take_icmp();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0][58], 0x40) << "solicited, and does not override (RFC 4429)";
  d.establish();
}

// RFC 4429 3.2: our Ethernet address in the question would become that of whoever has the address already.
TEST(OverIpv6, NobodyIsAskedAboutFromAnAddressThatIsTried) {
  Dialogue d(Ip::kV6);
  start(d);
  (void)take(d);
  d.send(SYN, seq(0), mss(1000));
  d.expect_silence();
  EXPECT_EQ(d.count(Verdict::kListenSyn), 1U);
  d.advance(999ms);
  d.expect_silence();
  d.advance(1ms);
  EXPECT_EQ(d.take_icmp().size(), 1U) << "the advertisement";
  d.expect(SYN | ACK, seq(0), ack(1));
  (void)d.peer().take();
}

// Nor from one that is somebody else's; the first of the others that fits is.
TEST(OverIpv6, NobodyIsAskedAboutFromAnAddressThatIsAnothers) {
  Scene scene;
  scene.host.addresses = {"fd00::1/64", "fd00::7/64"};
  Dialogue d(Ip::kV6, scene);
  start(d);
  (void)d.host().take_sent();
  const IpAddress taken = IpAddress::parse("fd00::7").value();
  const IpAddress asked = wire::solicited_node(taken);
  d.send_frame(neighbour_frame({kOther, wire::ipv6_multicast_mac(asked), {}, asked}, true, taken));
  EXPECT_EQ(d.counter("addresses_disabled"), 1U);
  d.host().advance(d.now() + Duration::seconds(2));
  (void)d.host().take_sent();
  d.host().receive(d.frame(SYN, seq(0), mss(1000)), d.now() + Duration::seconds(2));
  const auto sent = d.host().take_sent();
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(sent[0][54], wire::kIcmpv6NeighborSolicitation);
  EXPECT_TRUE(std::equal(sent[0].begin() + 22, sent[0].begin() + 38, d.our_address().bytes.begin()));
  d.host().receive(neighbour_frame({d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()}, false, d.peer_address()),
                   d.now() + Duration::seconds(2));
  EXPECT_EQ(d.host().take_sent().size(), 1U) << "the SYN|ACK";
}

TEST(OverIpv6, ADuplicateAddressIsNotUsed) {
  for (const bool advertised : {true, false}) {
    Dialogue d(Ip::kV6);
    start(d);
    (void)take(d);
    const IpAddress all_nodes = IpAddress::parse("ff02::1").value();
    const Addresses from{kOther, wire::ipv6_multicast_mac(all_nodes), advertised ? d.our_address() : IpAddress{},
                         advertised ? all_nodes : wire::solicited_node(d.our_address())};
    Frame frame = neighbour_frame(from, !advertised, d.our_address());
    if (advertised) {
      frame[58] = 0x20;
      wire::store_be16(&frame[56], 0);
      wire::store_checksum(&frame[56], wire::sum_bytes(&frame[54], 32) +
                                           wire::pseudo_sum_v6(&frame[22], &frame[38], wire::kProtoIcmpv6, 32));
    }
    d.send_frame(frame);
    d.verdict_is(Verdict::kAddressConflict);
    EXPECT_EQ(d.counter("addresses_disabled"), 1U);
    d.send(SYN, seq(0), mss(1000));
    d.verdict_is(Verdict::kIpNotForUs);
    d.expect_silence();
  }
}

TEST(OverIpv4, AConflictIsAnsweredOnceInTenSeconds) {
  Dialogue d(Ip::kV4);
  for (const std::uint16_t operation : {1, 2}) {
    d.host().receive(arp_frame({kOther, d.host().mac(), d.our_address(), d.our_address()}, operation), d.now());
  }
  EXPECT_EQ(take(d).arp, 1U);
  EXPECT_EQ(d.counter("address_conflicts"), 2U);
  d.host().receive(arp_frame({kOther, d.host().mac(), d.our_address(), d.our_address()}, 1), d.now() + Duration::seconds(11));
  EXPECT_EQ(take(d).arp, 1U);
  d.host().receive(arp_frame({d.host().mac(), d.host().mac(), d.our_address(), d.our_address()}, 1), d.now());
  EXPECT_EQ(d.counter("address_conflicts"), 3U) << "our own frame that came back is none";
}

TEST(OverIpv4, EachAddressIsDefendedByItself) {
  Scene scene;
  scene.host.addresses = {"10.0.0.1/24", "10.0.0.7/24"};
  Dialogue d(Ip::kV4, scene);
  for (int i = 0; i < 3; ++i) {
    for (const std::uint8_t last : {1, 7}) {
      const IpAddress ours = IpAddress::v4(10, 0, 0, last);
      d.host().receive(arp_frame({kOther, d.host().mac(), ours, ours}, 1), d.now());
    }
  }
  EXPECT_EQ(take(d).arp, 2U);
}

TEST(OverIpv6, AConflictLaterIsAnsweredAndTheAddressKept) {
  Dialogue d(Ip::kV6);
  d.host().receive(neighbour_frame({kOther, d.host().mac(), d.peer_address(), d.our_address()}, false, d.our_address()), d.now());
  EXPECT_EQ(take(d).advertisements, 1U);
  EXPECT_EQ(d.counter("address_conflicts"), 1U);
  d.establish();
}

TEST_P(Family, RedirectsAreIgnored) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.send_icmp(d.v4() ? 5 : 137, 1, 1);
  d.verdict_is(Verdict::kIcmpUnhandled);
  d.send(ACK, seq(1), ack(2));
  d.app().send("y");
  d.expect(ACK, seq(2), data("y"));  // Dialogue checks that it went to the same station
}

}  // namespace sluice::script
