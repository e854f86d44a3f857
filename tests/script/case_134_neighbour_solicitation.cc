// SPDX-License-Identifier: BSD-3-Clause
// Case 134: a neighbour solicitation is answered, one from a group is not.
#include <algorithm>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/checksum.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"

namespace sluice::script {

TEST(OverIpv6, SolicitationIsAnswered) {
  Dialogue d(Ip::kV6);
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  d.send_frame(neighbour_frame(from_peer, true, d.our_address()));
  d.verdict_is(Verdict::kNdHandled);
  const auto answers = d.take_icmp();
  ASSERT_EQ(answers.size(), 1U);
  const Frame& a = answers[0];
  ASSERT_EQ(a.size(), 86U);
  EXPECT_EQ(a[54], 136);            // advertisement
  EXPECT_EQ(a[21], 255);            // hop limit
  EXPECT_EQ(a[58] & 0xe0U, 0x60U);  // solicited, override, no router
  const IpAddress ours = d.our_address();
  EXPECT_TRUE(std::equal(ours.bytes.begin(), ours.bytes.end(), a.begin() + 62));
  EXPECT_EQ(a[78], 2);              // target link-layer address
  EXPECT_TRUE(std::equal(d.host().mac().begin(), d.host().mac().end(), a.begin() + 80));
  EXPECT_EQ(ones_sum(std::span(a).subspan(54), pseudo(std::span(a).subspan(14), 58, 32)), 0xffff);
}

// RFC 4861 5.1: whether or not we have such an address ourselves, and whatever the gateway is.
TEST(OverIpv6, ALinkLocalPeerIsAnsweredOnTheLink) {
  Scene scene;
  scene.host.gateways = {"fd00::fe"};
  Dialogue d(Ip::kV6, scene);
  const IpAddress peer = IpAddress::parse("fe80::9").value();
  const IpAddress ours = d.our_address();
  Peer& near = d.add_peer(40001, peer);
  d.host().receive(near.frame(SYN, seq(0), mss(1000)), d.now());
  const auto sent = d.host().take_sent();
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(sent[0][54], 135);
  EXPECT_TRUE(std::equal(peer.bytes.begin(), peer.bytes.end(), sent[0].begin() + 62)) << "asked about: he, not the gateway";
  d.send_frame(neighbour_frame({d.peer_mac(), d.host().mac(), peer, ours}, false, peer));
  near.expect(SYN | ACK, seq(0), ack(1));
}

TEST(OverIpv6, SolicitationsThatCannotBeAreIgnored) {
  Dialogue d(Ip::kV6);
  const IpAddress group = IpAddress::parse("ff02::9").value();
  d.send_frame(neighbour_frame({d.peer_mac(), d.host().mac(), group, d.our_address()}, true, d.our_address()));
  d.expect_silence();
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  d.send_frame(neighbour_frame(from_peer, true, d.our_address(), 64));  // came through a router
  d.verdict_is(Verdict::kNdIgnored);
  d.send_frame(neighbour_frame(from_peer, true, d.peer_address(9)));    // about somebody else
  d.verdict_is(Verdict::kNdIgnored);
  d.expect_silence();
}

// RFC 4861 7.1.1: who has no address yet asks a solicited-node group, and names no Ethernet address.
TEST(OverIpv6, SolicitationsFromNobodyAreAnsweredWhereTheyAreToTheGroup) {
  Dialogue d(Ip::kV6);
  const IpAddress group = wire::solicited_node(d.our_address());
  const IpAddress none;
  const wire::MacAddress group_mac = wire::ipv6_multicast_mac(group);
  d.send_frame(neighbour_frame({d.peer_mac(), d.host().mac(), none, d.our_address()}, true, d.our_address()));
  d.verdict_is(Verdict::kNdIgnored);
  const IpAddress all = IpAddress::parse("ff02::1").value();
  d.send_frame(neighbour_frame({d.peer_mac(), wire::ipv6_multicast_mac(all), none, all}, true, d.our_address()));
  d.verdict_is(Verdict::kNdIgnored);
  wire::NeighborMessage message;
  message.target = d.our_address();
  message.mac = d.peer_mac();
  Frame with_option(message.size());
  message.write(with_option.data(), none, group);
  d.send_frame(ip_frame({d.peer_mac(), group_mac, none, group}, wire::kProtoIcmpv6, with_option, 255));
  d.verdict_is(Verdict::kNdIgnored);
  d.expect_silence();
  d.send_frame(neighbour_frame({d.peer_mac(), group_mac, none, group}, true, d.our_address()));
  d.verdict_is(Verdict::kNdHandled);
  EXPECT_EQ(d.take_icmp().size(), 1U);
}

// The answer would go to everybody, and so would all frames for him.
TEST_P(Family, AGroupIsNobodysEthernetAddress) {
  Dialogue d(GetParam());
  const wire::MacAddress group{0x33, 0x33, 0, 0, 0, 1};
  Frame question;
  if (d.v4()) {
    question = arp_frame({group, d.host().mac(), d.peer_address(), d.our_address()}, 1);
    std::copy(d.peer_mac().begin(), d.peer_mac().end(), question.begin() + 6);
  } else {
    wire::NeighborMessage message;
    message.target = d.our_address();
    message.mac = group;
    Frame body(message.size());
    message.write(body.data(), d.peer_address(), d.our_address());
    question = ip_frame({d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()}, wire::kProtoIcmpv6, body, 255);
  }
  d.host().receive(question, d.now());
  EXPECT_TRUE(d.host().take_sent().empty());
  EXPECT_EQ(d.counter("neighbours_learned"), 0U);
  EXPECT_EQ(d.count(d.v4() ? Verdict::kArpBad : Verdict::kNdIgnored), 1U);
}

// RFC 4861 7.3.3, RFC 1122 2.3.2.1: whether he is still there is asked of him alone, and he need not say where (7.2.5).
TEST_P(Family, AKnownNeighbourIsAskedAtHisAddress) {
  Dialogue d(GetParam());
  d.establish();
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  Instant now = d.now() + Duration::seconds(40);
  d.host().receive(d.frame(ACK, seq(1), data("x")), now);
  std::vector<Frame> questions;
  const auto listen = [&](Duration time) {
    for (const Instant end = now + time; now < end; now = now + Duration::milliseconds(100)) {
      d.host().advance(now);
      for (Frame& frame : d.host().take_sent()) {
        if (kind_of(frame) == Ether::kArp || (!d.v4() && frame[54] == 135)) questions.push_back(std::move(frame));
      }
    }
  };
  listen(Duration::milliseconds(1500));
  ASSERT_EQ(questions.size(), 2U);
  for (const Frame& question : questions) {
    EXPECT_TRUE(std::equal(d.peer_mac().begin(), d.peer_mac().end(), question.begin())) << "not everybody";
    if (d.v4()) continue;
    const IpAddress peer = d.peer_address();
    EXPECT_TRUE(std::equal(peer.bytes.begin(), peer.bytes.end(), question.begin() + 38)) << "nor the group";
  }
  Frame answer = d.v4() ? arp_frame(from_peer, 2) : neighbour_frame(from_peer, false, d.peer_address());
  if (!d.v4()) {  // solicited, and nothing else
    answer.resize(78);
    wire::store_be16(&answer[18], 24);
    answer[58] = 0x40;
    wire::store_be16(&answer[56], 0);
    wire::store_checksum(&answer[56], wire::sum_bytes(&answer[54], 24) +
                                          wire::pseudo_sum_v6(&answer[22], &answer[38], wire::kProtoIcmpv6, 24));
  }
  d.host().receive(answer, now);
  listen(Duration::seconds(5));
  EXPECT_EQ(questions.size(), 2U) << "answered";
}

// The same sixteen bytes stand for 10.0.0.1 inside; ND must neither answer for it nor say who its neighbours are.
TEST(OverIpv6, MappedTargetIsNotAnIpv4Address) {
  Dialogue d(Ip::kV6);
  const Addresses from_peer{d.peer_mac(), d.host().mac(), d.peer_address(), d.our_address()};
  for (const bool solicitation : {true, false}) {
    for (const std::uint8_t last : {1, 2}) {
      d.send_frame(neighbour_frame(from_peer, solicitation, IpAddress::v4(10, 0, 0, last)));
      d.verdict_is(Verdict::kNdIgnored);
    }
  }
  EXPECT_TRUE(d.take_icmp().empty());
}

}  // namespace sluice::script
