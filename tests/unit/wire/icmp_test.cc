// SPDX-License-Identifier: BSD-3-Clause
// ICMPv4, ICMPv6, neighbour discovery and ARP: views against scapy's bytes, values to the byte.
#include <gtest/gtest.h>

#include <vector>

#include "frames.h"
#include "wire/arp.h"
#include "wire/ethernet.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"

namespace sluice::wire {
namespace {

const IpAddress kOurs6{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
const IpAddress kPeer6{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
constexpr MacAddress kOurMac{2, 0, 0, 0, 0, 1};
constexpr MacAddress kPeerMac{2, 0, 0, 0, 0, 2};

ByteVector tail(const ByteVector& frame, std::ptrdiff_t from) { return {frame.begin() + from, frame.end()}; }

TEST(Arp, ReadsARequestAndWritesTheSame) {
  const Exact bytes(tail(golden::kArp, 14));
  const auto view = ArpView::parse(bytes.bytes());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->operation(), kArpRequest);
  EXPECT_EQ(view->sender_mac(), kPeerMac);
  EXPECT_EQ(view->sender_ip(), IpAddress::v4(10, 77, 0, 2));
  EXPECT_EQ(view->target_mac(), MacAddress{});
  EXPECT_EQ(view->target_ip(), IpAddress::v4(10, 77, 0, 1));
  ByteVector out(kArpMessage);
  const ArpMessage message{kArpRequest, view->sender_mac(), view->target_mac(), view->sender_ip(), view->target_ip()};
  EXPECT_EQ(message.write(out.data()), kArpMessage);
  EXPECT_EQ(out, tail(golden::kArp, 14));
}

TEST(Icmpv4, ReadsAnEchoRequest) {
  const Exact bytes(tail(golden::kEcho4, 34));
  const auto view = Icmpv4View::parse(bytes.bytes());
  ASSERT_TRUE(view && view->checksum_good());
  EXPECT_EQ(view->type(), kIcmpv4EchoRequest);
  EXPECT_EQ(view->id(), 0x55);
  EXPECT_EQ(view->sequence(), 3);
  EXPECT_FALSE(view->is_error());
  EXPECT_EQ(view->body().size(), 5U);
}

TEST(Icmpv4, WritesWhatScapyWrites) {
  ByteVector out = tail(golden::kUnreachable4, 34);
  const auto view = Icmpv4View::parse(out);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_error());
  EXPECT_EQ(view->code(), kIcmpv4FragmentationNeeded);
  EXPECT_EQ(view->mtu(), 1300);
  std::fill_n(out.begin(), 8, std::uint8_t{0xee});
  EXPECT_EQ(Icmpv4Header::fragmentation_needed(1300).write(out.data(), 8), kIcmpHeader);
  EXPECT_EQ(out, tail(golden::kUnreachable4, 34));
}

TEST(Icmpv4, AnEchoReplyCarriesIdAndSequence) {
  ByteVector out = tail(golden::kEcho4, 34);
  Icmpv4Header::echo_reply(0x55, 3).write(out.data(), 5);
  const auto view = Icmpv4View::parse(out);
  ASSERT_TRUE(view && view->checksum_good());
  EXPECT_EQ(view->type(), kIcmpv4EchoReply);
  EXPECT_EQ(view->id(), 0x55);
  EXPECT_EQ(view->sequence(), 3);
}

TEST(Icmpv6, WritesWhatScapyWrites) {
  ByteVector out = tail(golden::kTooBig6, 54);
  const auto view = Icmpv6View::parse(out);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_error());
  EXPECT_EQ(view->mtu(), 1300U);
  std::fill_n(out.begin(), 8, std::uint8_t{0xee});
  Icmpv6Header::packet_too_big(1300).write(out.data(), 8, kPeer6, kOurs6);
  EXPECT_EQ(out, tail(golden::kTooBig6, 54));
}

TEST(Icmpv6, AnEchoReplyPassesTheParser) {
  ByteVector frame = golden::kEcho6;
  Icmpv6Header::echo_reply(0x55, 3).write(&frame[54], 5, kPeer6, kOurs6);
  const Received r(frame);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.packet.kind, PacketKind::kIcmp6);
  EXPECT_EQ(r.packet.payload[0], kIcmpv6EchoReply);
  frame[60] ^= 1;
  EXPECT_EQ(parse(frame), ParseError::kIcmpv6ChecksumBad);
}

TEST(Icmpv6, ShorterThanItsHeaderIsRefused) {
  ByteVector frame = golden::kEcho6;
  frame[19] = 7;
  EXPECT_EQ(parse(frame), ParseError::kIcmpv6Bad);
}

TEST(Neighbor, ReadsASolicitationWithItsOption) {
  const Exact bytes(tail(golden::kSolicitation, 54));
  const auto view = NeighborView::parse(bytes.bytes());
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_solicitation());
  EXPECT_EQ(view->target(), kOurs6);
  ASSERT_NE(view->source_mac(), nullptr);
  EXPECT_EQ(load_native<MacAddress>(view->source_mac()), kPeerMac);
  EXPECT_EQ(view->target_mac(), nullptr);
}

TEST(Neighbor, ReadsAnAdvertisementWithItsFlags) {
  const Exact bytes(tail(golden::kAdvertisement, 54));
  const auto view = NeighborView::parse(bytes.bytes());
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->is_solicitation());
  EXPECT_TRUE(view->solicited() && view->override_flag() && !view->router());
  ASSERT_NE(view->target_mac(), nullptr);
  EXPECT_EQ(load_native<MacAddress>(view->target_mac()), kOurMac);
}

TEST(Neighbor, WritesWhatScapyWrites) {
  ByteVector out(NeighborMessage::kSize, 0xee);
  NeighborMessage{true, false, false, kOurs6, kPeerMac}.write(out.data(), kPeer6, solicited_node(kOurs6));
  EXPECT_EQ(out, tail(golden::kSolicitation, 54));
  NeighborMessage{false, true, true, kOurs6, kOurMac}.write(out.data(), kOurs6, kPeer6);
  EXPECT_EQ(out, tail(golden::kAdvertisement, 54));
}

TEST(Neighbor, RefusesWhatRfc4861Refuses) {
  const ByteVector good = tail(golden::kSolicitation, 54);
  const auto edited = [&good](std::size_t at, int value) {
    ByteVector bytes = good;
    bytes[at] = static_cast<std::uint8_t>(value);
    const Exact copy(bytes);
    return NeighborView::parse(copy.bytes()).has_value();
  };
  EXPECT_TRUE(edited(24, 77));   // an unknown option is skipped
  EXPECT_FALSE(edited(0, 133));  // type
  EXPECT_FALSE(edited(1, 1));    // code
  EXPECT_FALSE(edited(8, 0xff)); // multicast target
  ByteVector mapped = good;      // found by fuzzing: ::ffff:10.0.0.1 passed for 10.0.0.1
  const IpAddress v4 = IpAddress::v4(10, 0, 0, 1);
  std::copy(v4.bytes.begin(), v4.bytes.end(), mapped.begin() + 8);
  EXPECT_FALSE(NeighborView::parse(Exact(mapped).bytes()));
  EXPECT_FALSE(edited(25, 0));   // option of length 0
  EXPECT_FALSE(edited(25, 2));   // option past the end
}

TEST(Neighbor, EveryTruncationIsRefusedButTheOneWithoutOptions) {
  const ByteVector good = tail(golden::kAdvertisement, 54);
  for (std::size_t n = 0; n < good.size(); ++n) {
    const Exact copy{std::span(good).first(n)};
    EXPECT_EQ(NeighborView::parse(copy.bytes()).has_value(), n == kNdMessage) << n;
  }
}

TEST(Router, ReadsAnAdvertisement) {
  const Exact bytes(tail(golden::kRouterAdvertisement, 54));
  const auto view = RouterView::parse(bytes.bytes());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->lifetime_s(), 1800);
  EXPECT_EQ(view->preference(), 1);
  ASSERT_NE(view->source_mac(), nullptr);
  EXPECT_EQ(load_native<MacAddress>(view->source_mac()), kPeerMac);
}

TEST(Router, ReadsThePrefixesOfAnAdvertisement) {
  const auto read = [](const ByteVector& bytes) {
    std::vector<PrefixInformation> found;
    const Exact copy(bytes);
    RouterView::parse(copy.bytes())->for_each_prefix([&](const PrefixInformation& info) { found.push_back(info); });
    return found;
  };
  const ByteVector one = tail(golden::kRouterAdvertisement, 54);
  const auto prefixes = read(one);
  ASSERT_EQ(prefixes.size(), 1U);
  EXPECT_EQ(prefixes[0].prefix, IpAddress::parse("fd55::").value());
  EXPECT_EQ(prefixes[0].length, 64);
  EXPECT_TRUE(prefixes[0].on_link);
  EXPECT_TRUE(prefixes[0].autonomous);
  EXPECT_EQ(prefixes[0].valid_s, 86'400U);
  EXPECT_EQ(prefixes[0].preferred_s, 14'400U);

  ByteVector two = one;  // with another of the router, autonomous only, behind it
  two.insert(two.end(), one.begin() + 32, one.end());
  two[one.size() + 3] = 0x40;
  store_be32(&two[one.size() + 4], PrefixInformation::kForever);
  ASSERT_EQ(read(two).size(), 2U);
  EXPECT_FALSE(read(two)[1].on_link);
  EXPECT_TRUE(read(two)[1].autonomous);
  EXPECT_EQ(read(two)[1].valid_s, PrefixInformation::kForever);

  ByteVector odd = one;  // 40 bytes are no such option
  odd[33] = 5;
  odd.insert(odd.end(), 8, 0);
  EXPECT_TRUE(read(odd).empty());
  odd = one;
  odd[32] = 24;
  EXPECT_TRUE(read(odd).empty()) << "another type";
}

TEST(Router, ThePreferenceHasTwoBitsOfTheFlags) {
  ByteVector bytes = tail(golden::kRouterAdvertisement, 54);
  for (const auto& [flags, preference] : {std::pair{0xe7, 0}, {0x08, 1}, {0x10, 0}, {0x18, -1}, {0xff, -1}}) {
    bytes[5] = static_cast<std::uint8_t>(flags);
    EXPECT_EQ(RouterView::parse(Exact(bytes).bytes())->preference(), preference) << flags;
  }
}

TEST(Router, RefusesWhatRfc4861Refuses) {
  const ByteVector good = tail(golden::kRouterAdvertisement, 54);
  const auto edited = [&good](std::size_t at, int value) {
    ByteVector bytes = good;
    bytes[at] = static_cast<std::uint8_t>(value);
    return RouterView::parse(Exact(bytes).bytes()).has_value();
  };
  EXPECT_TRUE(edited(24, 77));   // an unknown option is skipped
  EXPECT_FALSE(edited(0, 133));  // type
  EXPECT_FALSE(edited(1, 1));    // code
  EXPECT_FALSE(edited(25, 0));   // option of length 0
  EXPECT_FALSE(edited(33, 7));   // option past the end
  for (std::size_t n = 0; n < good.size(); ++n) {
    const Exact copy{std::span(good).first(n)};
    EXPECT_EQ(RouterView::parse(copy.bytes()).has_value(), n == 16 || n == 24 || n == 32) << n;
  }
}

TEST(Router, WritesTheSolicitationThatScapyWrites) {
  ByteVector out(RouterSolicitation::kSize, 0xee);
  const IpAddress all_routers = IpAddress::parse("ff02::2").value();
  EXPECT_EQ(RouterSolicitation{kOurMac}.write(out.data(), kOurs6, all_routers), out.size());
  EXPECT_EQ(out, tail(golden::kRouterSolicitation, 54));
}

TEST(Neighbor, MulticastNamesFollowTheTarget) {
  const IpAddress group = solicited_node(kOurs6);
  EXPECT_EQ(group, (IpAddress{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 1}}));
  EXPECT_EQ(ipv6_multicast_mac(group), (MacAddress{0x33, 0x33, 0xff, 0, 0, 1}));
}

}  // namespace
}  // namespace sluice::wire
