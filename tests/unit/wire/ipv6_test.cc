// SPDX-License-Identifier: BSD-3-Clause
#include "wire/ipv6.h"

#include <gtest/gtest.h>

#include "frames.h"

namespace sluice::wire {
namespace {

using golden::kAck6;
using golden::kEcho6;
using golden::kExtensions6;
using golden::kSolicitation;

ByteVector edited(ByteVector frame, std::size_t at, int value) {
  frame[at] = static_cast<std::uint8_t>(value);
  return frame;
}
// kAck6 with `extensions` between IPv6 header and TCP; `first` names the first of them.
ByteVector with_extensions(int first, const ByteVector& extensions) {
  ByteVector frame = edited(kAck6, 20, first);
  frame.insert(frame.begin() + 54, extensions.begin(), extensions.end());
  put16(frame, 18, static_cast<std::uint32_t>(frame.size() - 54));
  return frame;
}
void set_address(ByteVector& frame, std::size_t at, const char* hex) {
  const ByteVector bytes = from_hex(hex);
  std::copy(bytes.begin(), bytes.end(), frame.begin() + static_cast<std::ptrdiff_t>(at));
}
ByteVector from_source(ByteVector frame, const char* hex) {
  set_address(frame, 22, hex);
  fix_tcp_checksum(frame, 54);
  return frame;
}
ByteVector to_destination(ByteVector frame, const char* hex) {
  set_address(frame, 38, hex);
  fix_tcp_checksum(frame, 54);
  return frame;
}

TEST(ParseIpv6, TakesASegmentApart) {
  const Received r(kAck6);
  ASSERT_EQ(r.error, ParseError::kOk);
  const Packet& p = r.packet;
  EXPECT_EQ(p.kind, PacketKind::kTcp6);
  IpAddress expected{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
  EXPECT_EQ(p.src, expected);
  expected.bytes[15] = 1;
  EXPECT_EQ(p.dst, expected);
  EXPECT_EQ(p.dst_port, 443);
  EXPECT_EQ(p.seq, SeqNum(5));
  EXPECT_EQ(p.ack, SeqNum(6));
  EXPECT_EQ(p.window, 1000);
  EXPECT_EQ(p.ttl, 60);
  EXPECT_EQ(p.tos, 0x22);
  EXPECT_EQ(p.l3_len, 40);
  EXPECT_EQ(r.payload(), ByteVector({'x', 'y', 'z'}));
}

TEST(ParseIpv6, IgnoresEthernetPadding) {
  ByteVector padded = kAck6;
  padded.insert(padded.end(), 5, 0xdd);
  const Received r(padded);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.packet.payload_len, 3U);
}

TEST(ParseIpv6, RefusesHeadersThatDoNotFit) {
  EXPECT_EQ(parse(edited(kAck6, 14, 0x52)), ParseError::kIpv6HeaderBad);
  EXPECT_EQ(parse(edited(kAck6, 19, 0x18)), ParseError::kIpv6LengthBad);
  EXPECT_EQ(parse(edited(kAck6, 19, 0x13)), ParseError::kTcpHeaderBad);
  EXPECT_EQ(parse(edited(kAck6, 19, 0)), ParseError::kTcpHeaderBad);
}

TEST(ParseIpv6, TheChecksumCoversThePseudoHeader) {  // case 133
  for (const std::size_t at : {37U, 53U, 56U, 76U}) {
    EXPECT_EQ(parse(edited(kAck6, at, kAck6[at] ^ 4)), ParseError::kTcpChecksumBad) << at;
  }
  EXPECT_EQ(Received(edited(kAck6, 76, 'Z'), {}, kRxL4CsumGood).error, ParseError::kOk);
}

TEST(ParseIpv6, RefusesMartianSources) {
  const auto check = [](const char* hex) { return parse(from_source(kAck6, hex)); };
  EXPECT_EQ(check("00000000000000000000000000000000"), ParseError::kIpv6SourceMartian);
  EXPECT_EQ(check("00000000000000000000000000000001"), ParseError::kIpv6SourceMartian);
  EXPECT_EQ(check("00000000000000000000ffff0a010203"), ParseError::kIpv6SourceMartian);
  EXPECT_EQ(check("ff020000000000000000000000000001"), ParseError::kIpv6SourceMartian);
  EXPECT_EQ(check("fe800000000000000000000000000001"), ParseError::kOk);
  EXPECT_EQ(check("00000000000000010000ffff0a010203"), ParseError::kOk);
}

TEST(ParseIpv6, RefusesDestinationsThatWouldPassForOthers) {
  const auto check = [](const char* hex) { return parse(to_destination(kAck6, hex)); };
  EXPECT_EQ(check("00000000000000000000ffff0a4d0001"), ParseError::kIpv6DestinationMartian);
  EXPECT_EQ(check("00000000000000000000000000000001"), ParseError::kIpv6DestinationMartian);
  EXPECT_EQ(check("00000000000000000000000000000000"), ParseError::kIpv6DestinationMartian);
  EXPECT_EQ(check("ff020000000000000000000000000001"), ParseError::kOk) << "the stack says what groups it is in";
}

TEST(ParseIpv6, ASolicitationMayComeFromNobody) {  // RFC 4862: duplicate address detection
  ByteVector frame = kSolicitation;
  set_address(frame, 22, "00000000000000000000000000000000");
  const auto checksum = [&frame] {
    put16(frame, 56, 0);
    const auto pseudo = naive_sum({frame.data() + 22, 32U});
    put16(frame, 56, 0xffffU ^ naive_sum({frame.data() + 54, 32U}, pseudo + 32U + 58U));
  };
  checksum();
  EXPECT_EQ(parse(frame), ParseError::kOk);
  frame[54] = 128;
  checksum();
  EXPECT_EQ(parse(frame), ParseError::kIpv6SourceMartian);
  for (const std::uint8_t report : {131, 143}) {  // RFC 3810 5.2.13
    frame[54] = report;
    checksum();
    EXPECT_EQ(parse(frame), ParseError::kOk);
  }
}

TEST(ParseIpv6, SkipsTheExtensionHeadersBeforeTcp) {  // case 131
  const Received r(kExtensions6);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.packet.l3_len, 64);
  EXPECT_EQ(r.packet.seq, SeqNum(3));
  EXPECT_EQ(r.packet.ack, SeqNum(4));
  EXPECT_EQ(r.packet.payload_len, 0U);
}

TEST(ParseIpv6, SkipsAnAtomicFragmentHeader) {  // case 132, RFC 6946
  const Received r(with_extensions(44, {6, 0, 0, 0, 1, 2, 3, 4}));
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.payload(), ByteVector({'x', 'y', 'z'}));
}

TEST(ParseIpv6, ReportsTrueFragmentsWithTheirBytes) {
  const Received first(with_extensions(44, {6, 0, 0, 1, 1, 2, 3, 4}));
  EXPECT_EQ(first.error, ParseError::kIpv6Fragment);
  EXPECT_EQ(first.payload_offset(), 54U);
  EXPECT_EQ(parse(with_extensions(44, {6, 0, 0, 8, 1, 2, 3, 4})), ParseError::kIpv6Fragment);
}

TEST(ParseIpv6, PointsAtAnUnknownNextHeader) {  // case 131
  const Received plain(edited(kAck6, 20, 200));
  EXPECT_EQ(plain.error, ParseError::kIpv6NextHeaderUnknown);
  EXPECT_EQ(plain.packet.problem_offset, 6);
  EXPECT_EQ(plain.packet.ip_protocol, 200);
  const Received behind(with_extensions(60, {200, 0, 1, 4, 0, 0, 0, 0}));
  EXPECT_EQ(behind.error, ParseError::kIpv6NextHeaderUnknown);
  EXPECT_EQ(behind.packet.problem_offset, 40);
  EXPECT_EQ(parse(edited(kAck6, 20, 1)), ParseError::kIpv6NextHeaderUnknown);  // ICMPv4 over IPv6
  EXPECT_EQ(parse(edited(kAck6, 20, 59)), ParseError::kIpv6NoNextHeader);
}

TEST(ParseIpv6, RefusesARoutingHeaderWithSegmentsLeft) {
  const Received r(with_extensions(43, {6, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(r.error, ParseError::kIpv6RoutingUnknown);
  EXPECT_EQ(r.packet.problem_offset, 42);
}

TEST(ParseIpv6, ActsOnTheTwoBitsOfAnUnknownOption) {  // RFC 8200 4.2
  EXPECT_EQ(parse(with_extensions(60, {6, 0, 0x3e, 4, 0, 0, 0, 0})), ParseError::kOk);
  for (std::uint8_t action = 1; action <= 3; ++action) {
    const auto type = static_cast<std::uint8_t>(action << 6U | 0x3eU);
    const Received r(with_extensions(0, {6, 0, 1, 0, type, 2, 0, 0}));
    EXPECT_EQ(r.error, ParseError::kIpv6OptionUnknown);
    EXPECT_EQ(r.packet.problem_action, action);
    EXPECT_EQ(r.packet.problem_offset, 44);
  }
}

TEST(ParseIpv6, RefusesExtensionHeadersThatDoNotFit) {
  EXPECT_EQ(parse(with_extensions(60, {6, 200, 1, 4, 0, 0, 0, 0})), ParseError::kIpv6ExtensionBad);
  EXPECT_EQ(parse(with_extensions(60, {6, 0, 1, 5, 0, 0, 0, 0})), ParseError::kIpv6ExtensionBad);
  EXPECT_EQ(parse(with_extensions(60, {6, 0, 1, 3, 0, 0, 0, 1})), ParseError::kIpv6ExtensionBad);
  EXPECT_EQ(parse(with_extensions(60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0})), ParseError::kIpv6ExtensionBad)
      << "hop-by-hop stands first or not at all";
  ByteVector cut = edited(edited(kAck6, 20, 60), 19, 7);
  cut.resize(54 + 7);
  EXPECT_EQ(parse(cut), ParseError::kIpv6ExtensionBad);
}

TEST(ParseIpv6, TheChainIsBounded) {
  const auto chain = [](unsigned n) {
    ByteVector bytes;
    for (unsigned i = 0; i < n; ++i) {
      bytes.insert(bytes.end(), {static_cast<std::uint8_t>(i + 1 == n ? 6 : 60), 0, 1, 4, 0, 0, 0, 0});
    }
    return with_extensions(60, bytes);
  };
  EXPECT_EQ(parse(chain(kMaxIpv6Extensions)), ParseError::kOk);
  EXPECT_EQ(parse(chain(kMaxIpv6Extensions + 1)), ParseError::kIpv6ExtensionsTooMany);
  const auto padding = [](unsigned pad1) {  // the rest of 80 bytes is one PadN
    ByteVector bytes(80, 0);
    bytes[0] = 6;
    bytes[1] = 9;
    bytes[2 + pad1] = 1;
    bytes[3 + pad1] = static_cast<std::uint8_t>(80 - 4 - pad1);
    return with_extensions(60, bytes);
  };
  EXPECT_EQ(parse(padding(kMaxIpv6Options - 1)), ParseError::kOk);
  EXPECT_EQ(parse(padding(kMaxIpv6Options)), ParseError::kIpv6ExtensionsTooMany);
}

TEST(Ipv6Header, ReadsBackAsWritten) {
  Ipv6Header header{.src = IpAddress{{0xfd, 1, 2}}, .dst = IpAddress{{0xfd, 3, 4}}, .payload_len = 777,
                    .flow_label = 0xabcde, .traffic_class = 0x5a, .hop_limit = 9, .next_header = kProtoIcmpv6};
  ByteVector bytes(kIpv6Header + 777);
  EXPECT_EQ(header.write(bytes.data()), kIpv6Header);
  const auto view = Ipv6View::parse(bytes);
  ASSERT_TRUE(view && view->length_fits());
  EXPECT_EQ(view->src(), header.src);
  EXPECT_EQ(view->dst(), header.dst);
  EXPECT_EQ(view->payload_len(), 777);
  EXPECT_EQ(view->flow_label(), 0xabcdeU);
  EXPECT_EQ(view->traffic_class(), 0x5a);
  EXPECT_EQ(view->hop_limit(), 9);
  EXPECT_EQ(view->next_header(), kProtoIcmpv6);
}

}  // namespace
}  // namespace sluice::wire
