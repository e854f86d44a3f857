// SPDX-License-Identifier: BSD-3-Clause
// parse_frame() on IPv4 and ARP, good and bad; IPv6 has its own file.
#include "wire/packet.h"

#include <gtest/gtest.h>

#include <string>

#include "frames.h"
#include "wire/ethernet.h"

namespace sluice::wire {
namespace {

using golden::kArp;
using golden::kData4;
using golden::kEcho4;
using golden::kOptions4;
using golden::kSyn4;
using golden::kVlan4;

ByteVector edited(ByteVector frame, std::size_t at, int value) {
  frame[at] = static_cast<std::uint8_t>(value);
  return frame;
}
ByteVector ip_edited(ByteVector frame, std::size_t at, int value) {
  frame = edited(std::move(frame), at, value);
  fix_ip_checksum(frame);
  return frame;
}

TEST(ParseFrame, TakesASynApart) {
  const Received r(kSyn4);
  ASSERT_EQ(r.error, ParseError::kOk);
  const Packet& p = r.packet;
  EXPECT_EQ(p.kind, PacketKind::kTcp4);
  EXPECT_FALSE(p.l2_group);
  EXPECT_EQ(p.l2_src[5], 2);
  EXPECT_EQ(p.src, IpAddress::v4(10, 1, 2, 3));
  EXPECT_EQ(p.dst, IpAddress::v4(10, 77, 0, 1));
  EXPECT_EQ(p.src_port, 40000);
  EXPECT_EQ(p.dst_port, 80);
  EXPECT_EQ(p.seq, SeqNum(0xfffffff0));
  EXPECT_EQ(p.ack, SeqNum(0));
  EXPECT_EQ(p.flags, kSyn);
  EXPECT_EQ(p.window, 64240);
  EXPECT_EQ(p.urgent, 0);
  EXPECT_EQ(p.data_offset, 40);
  EXPECT_EQ(p.payload_len, 0U);
  EXPECT_EQ(p.seg_len(), 1U);
  EXPECT_EQ(p.ttl, 63);
  EXPECT_EQ(p.tos, 0x10);
  EXPECT_EQ(p.options.mss, 1460);
  EXPECT_EQ(p.options.wscale, 7);
  EXPECT_EQ(p.options.tsval, 0x01020304U);
  EXPECT_TRUE(p.options.has_mss && p.options.has_wscale && p.options.sack_permitted && p.options.has_ts);
}

TEST(ParseFrame, TakesADataSegmentApart) {
  const Received r(kData4);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.payload(), ByteVector({'h', 'e', 'l', 'l', 'o'}));
  EXPECT_EQ(r.packet.flags, kPsh | kAck);
  EXPECT_EQ(r.packet.seg_len(), 5U);
  EXPECT_EQ(r.packet.options.tsval, 7U);
  EXPECT_EQ(r.packet.options.tsecr, 9U);
  EXPECT_FALSE(r.packet.options.has_mss);
}

TEST(ParseFrame, IgnoresEthernetPadding) {  // case 115
  ByteVector padded = kData4;
  padded.insert(padded.end(), 7, 0xdd);
  const Received r(padded);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.payload(), ByteVector({'h', 'e', 'l', 'l', 'o'}));
}

TEST(ParseFrame, SkipsIpOptions) {  // case 121
  const Received r(kOptions4);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.packet.l3_len, 28);
  EXPECT_EQ(r.packet.seq, SeqNum(3));
  EXPECT_EQ(r.payload(), ByteVector({'q'}));
}

TEST(ParseFrame, RefusesSourceRoutesAndBrokenIpOptions) {  // case 121
  EXPECT_EQ(parse(ip_edited(kOptions4, 35, 131)), ParseError::kIpv4SourceRoute);
  EXPECT_EQ(parse(ip_edited(kOptions4, 35, 137)), ParseError::kIpv4SourceRoute);
  EXPECT_EQ(parse(ip_edited(kOptions4, 36, 0)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(ip_edited(kOptions4, 36, 1)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(ip_edited(kOptions4, 36, 8)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(ip_edited(kOptions4, 36, 7)), ParseError::kOk);
  EXPECT_EQ(parse(ip_edited(ip_edited(kOptions4, 36, 6), 41, 7)), ParseError::kIpv4HeaderBad);
}

TEST(ParseFrame, ATtlOfOneIsFine) { EXPECT_EQ(parse(ip_edited(kData4, 22, 1)), ParseError::kOk); }  // case 119

TEST(ParseFrame, RefusesImpossibleIpHeaders) {
  EXPECT_EQ(parse(ip_edited(kData4, 14, 0x44)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(ip_edited(kData4, 14, 0x40)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(edited(kData4, 14, 0x55)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(edited(kData4, 14, 0x35)), ParseError::kIpv4HeaderBad);
  EXPECT_EQ(parse(edited(kEcho4, 14, 0x4f)), ParseError::kIpv4HeaderBad);  // 60 bytes of 33
}

TEST(ParseFrame, RefusesLengthsThatDoNotFit) {  // case 115
  EXPECT_EQ(parse(ip_edited(kData4, 17, 0x3a)), ParseError::kIpv4LengthBad);
  EXPECT_EQ(parse(ip_edited(kData4, 16, 0xff)), ParseError::kIpv4LengthBad);
  EXPECT_EQ(parse(ip_edited(kData4, 17, 19)), ParseError::kIpv4LengthBad);
  EXPECT_EQ(parse(ip_edited(kData4, 17, 39)), ParseError::kTcpHeaderBad);  // 19 bytes of TCP
}

TEST(ParseFrame, RefusesABadIpChecksumUnlessTheDeviceVouchedForIt) {  // case 113
  const ByteVector bad = edited(kData4, 24, 0x13);
  EXPECT_EQ(parse(bad), ParseError::kIpv4ChecksumBad);
  EXPECT_EQ(Received(bad, {}, kRxIpCsumGood).error, ParseError::kOk);
  EXPECT_EQ(Received(bad, {}, kRxL4CsumGood).error, ParseError::kIpv4ChecksumBad);
  EXPECT_EQ(Received(kData4, {}, kRxIpCsumBad).error, ParseError::kOk) << "the device is not believed unasked";
}

TEST(ParseFrame, RefusesABadTcpChecksumUnlessTheDeviceVouchedForIt) {  // case 113
  for (std::size_t at = 34; at < kData4.size(); ++at) {
    if (at == 46) continue;  // the data offset is looked at first
    EXPECT_EQ(parse(edited(kData4, at, kData4[at] ^ 1)), ParseError::kTcpChecksumBad) << at;
  }
  const ByteVector bad = edited(kData4, 70, 'O');
  EXPECT_EQ(Received(bad, {}, kRxL4CsumGood).error, ParseError::kOk);
  EXPECT_EQ(Received(bad, {}, kRxIpCsumGood | kRxL4CsumBad).error, ParseError::kTcpChecksumBad);
}

TEST(ParseFrame, TheTcpChecksumCoversTheAddresses) {
  EXPECT_EQ(parse(ip_edited(kData4, 29, 4)), ParseError::kTcpChecksumBad);
  EXPECT_EQ(parse(ip_edited(kData4, 33, 4)), ParseError::kTcpChecksumBad);
}

TEST(ParseFrame, RefusesDataOffsetsBelowFiveOrPastTheEnd) {  // case 114
  for (int offset = 0; offset < 16; ++offset) {
    ByteVector frame = edited(kData4, 46, offset << 4);
    fix_tcp_checksum(frame, 34);
    const bool good = offset >= 5 && offset * 4 <= 37;
    EXPECT_EQ(parse(frame), good ? ParseError::kOk : ParseError::kTcpHeaderBad) << offset;
  }
}

TEST(ParseFrame, RefusesMartianSources) {  // cases 116, 117
  for (const int first : {0, 127, 224, 239, 240, 255}) {
    EXPECT_EQ(parse(ip_edited(kData4, 26, first)), ParseError::kIpv4SourceMartian) << first;
  }
  for (const int first : {1, 126, 128, 223}) {
    ByteVector frame = ip_edited(kData4, 26, first);
    fix_tcp_checksum(frame, 34);
    EXPECT_EQ(parse(frame), ParseError::kOk) << first;
  }
}

TEST(ParseFrame, ReportsFragmentsWithTheirBytes) {
  for (const int bits : {0x20, 0x01, 0x3f}) {
    const Received r(ip_edited(kData4, 20, bits));
    EXPECT_EQ(r.error, ParseError::kIpv4Fragment) << bits;
    EXPECT_EQ(r.payload_offset(), 34U);
    EXPECT_EQ(r.packet.payload_len, 37U);
    EXPECT_EQ(r.packet.src, IpAddress::v4(10, 1, 2, 3));
  }
  EXPECT_EQ(parse(ip_edited(kData4, 21, 0x01)), ParseError::kIpv4Fragment);
  EXPECT_EQ(parse(ip_edited(kData4, 20, 0x00)), ParseError::kOk);
}

TEST(ParseFrame, ReportsUnknownProtocols) {
  const Received r(ip_edited(kData4, 23, 17));
  EXPECT_EQ(r.error, ParseError::kIpv4ProtocolUnknown);
  EXPECT_EQ(r.packet.ip_protocol, 17);
  EXPECT_EQ(r.payload_offset(), 34U);
  EXPECT_EQ(parse(ip_edited(kData4, 23, 58)), ParseError::kIpv4ProtocolUnknown);  // ICMPv6 over IPv4
}

TEST(ParseFrame, SaysWhenTheFrameWasSentToAGroup) {  // case 118
  EXPECT_TRUE(Received(edited(kData4, 0, 0x01)).packet.l2_group);
  EXPECT_TRUE(Received(kArp).packet.l2_group);
  EXPECT_FALSE(Received(kData4).packet.l2_group);
}

TEST(ParseFrame, RefusesAGroupAsSender) {
  EXPECT_EQ(parse(edited(kData4, 6, 0x03)), ParseError::kEthSourceGroup);
}

TEST(ParseFrame, RefusesOtherEtherTypes) {  // case 122
  EXPECT_EQ(parse(edited(kData4, 13, 0x01)), ParseError::kEtherTypeUnknown);
  EXPECT_EQ(parse(edited(kData4, 12, 0x00)), ParseError::kEtherTypeUnknown);  // an 802.3 length
}

TEST(ParseFrame, AnEtherTypeThatBeliesTheVersionIsRefused) {
  ByteVector frame = kData4;
  put16(frame, 12, kEtherTypeIpv6);
  EXPECT_EQ(parse(frame), ParseError::kIpv6HeaderBad);
}

TEST(ParseFrame, AcceptsOnlyItsOwnVlan) {  // case 122
  EXPECT_EQ(parse(kVlan4, {.vlan = 42}), ParseError::kOk);
  EXPECT_EQ(parse(kVlan4, {.vlan = 43}), ParseError::kVlanForeign);
  EXPECT_EQ(parse(kVlan4), ParseError::kVlanForeign);
  EXPECT_EQ(parse(kData4, {.vlan = 42}), ParseError::kVlanForeign);
  EXPECT_EQ(parse(edited(kVlan4, 15, 0)), ParseError::kOk) << "a priority tag";
}

TEST(ParseFrame, AcceptsATagThatTheDeviceTookOff) {
  EXPECT_EQ(Received(kData4, {.vlan = 42}, kRxVlan, 0x602a).error, ParseError::kOk);
  EXPECT_EQ(Received(kData4, {.vlan = 42}, kRxVlan, 0x602b).error, ParseError::kVlanForeign);
  EXPECT_EQ(Received(kData4, {}, kRxVlan, 0x602a).error, ParseError::kVlanForeign);
  EXPECT_EQ(Received(kData4, {}, kRxVlan, 0x6000).error, ParseError::kOk);
  EXPECT_EQ(Received(kVlan4, {.vlan = 42}, kRxVlan, 42).error, ParseError::kVlanForeign) << "a second tag";
}

TEST(ParseFrame, RefusesADoubleTag) {
  ByteVector frame = kVlan4;
  frame.insert(frame.begin() + 12, {0x81, 0x00, 0x00, 0x2a});
  EXPECT_EQ(parse(frame, {.vlan = 42}), ParseError::kVlanForeign);
}

TEST(ParseFrame, HandshakeOptionsCountOnASynOnly) {  // case 36
  ByteVector frame = edited(kSyn4, 47, kAck);
  fix_tcp_checksum(frame, 34);
  const Received r(frame);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_FALSE(r.packet.options.has_mss || r.packet.options.has_wscale || r.packet.options.sack_permitted);
  EXPECT_TRUE(r.packet.options.has_ts);
}

TEST(ParseFrame, HandsOnArp) {
  const Received r(kArp);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.packet.kind, PacketKind::kArp);
  EXPECT_EQ(r.payload_offset(), 14U);
  EXPECT_EQ(r.packet.payload_len, 28U);
  ByteVector padded = kArp;
  padded.resize(60);
  EXPECT_EQ(Received(padded).packet.payload_len, 28U);
  EXPECT_EQ(parse(edited(kArp, 15, 6)), ParseError::kArpBad);   // hardware type
  EXPECT_EQ(parse(edited(kArp, 16, 9)), ParseError::kArpBad);   // protocol type
  EXPECT_EQ(parse(edited(kArp, 18, 5)), ParseError::kArpBad);   // lengths
  EXPECT_EQ(parse(edited(kArp, 19, 16)), ParseError::kArpBad);
}

TEST(ParseFrame, HandsOnIcmpWithAGoodChecksum) {
  const Received r(kEcho4);
  ASSERT_EQ(r.error, ParseError::kOk);
  EXPECT_EQ(r.packet.kind, PacketKind::kIcmp4);
  EXPECT_EQ(r.payload_offset(), 34U);
  EXPECT_EQ(r.packet.payload_len, 13U);
  EXPECT_EQ(parse(edited(kEcho4, 45, 'G')), ParseError::kIcmpv4ChecksumBad);
  EXPECT_EQ(Received(edited(kEcho4, 45, 'G'), {}, kRxL4CsumGood).error, ParseError::kIcmpv4ChecksumBad)
      << "devices vouch for TCP only";
  EXPECT_EQ(parse(ip_edited(kEcho4, 17, 27)), ParseError::kIcmpv4Bad);
}

TEST(ParseFrame, EveryReasonHasItsNameAndText) {
  EXPECT_STREQ(parse_error_name(ParseError::kOk), "kOk");
  EXPECT_STREQ(parse_error_name(ParseError::kTcpChecksumBad), "kTcpChecksumBad");
  for (std::size_t i = 0; i < kParseErrors; ++i) {
    EXPECT_NE(std::string(parse_error_name(static_cast<ParseError>(i))), "") << i;
    EXPECT_NE(std::string(parse_error_text(static_cast<ParseError>(i))), "") << i;
  }
  EXPECT_STREQ(parse_error_name(static_cast<ParseError>(kParseErrors)), "");
}

}  // namespace
}  // namespace sluice::wire
