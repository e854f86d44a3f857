// SPDX-License-Identifier: BSD-3-Clause
// What the transmit path writes: to the byte what scapy wrote, and readable by our own views.
#include <gtest/gtest.h>

#include "frames.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/tcp.h"

namespace sluice::wire {
namespace {

const IpAddress kA4 = IpAddress::v4(10, 1, 2, 3);
const IpAddress kB4 = IpAddress::v4(10, 77, 0, 1);
const IpAddress kA6{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
const IpAddress kB6{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr MacAddress kTo{2, 0, 0, 0, 0, 1};
constexpr MacAddress kFrom{2, 0, 0, 0, 0, 2};

// A whole frame from the writers.
ByteVector build(FrameHead head, const TcpHeader& tcp, const TcpOptions& options, const ByteVector& payload) {
  head.dst_mac = kTo.data();
  head.src_mac = kFrom.data();
  const std::size_t options_len = tcp_options_size(options);
  const std::size_t tcp_len = kTcpHeader + options_len + payload.size();
  ByteVector out(frame_head_size(head) + tcp_len, 0xee);
  const std::size_t at = write_frame_head(out.data(), head, static_cast<std::uint16_t>(tcp_len));
  EXPECT_EQ(at, frame_head_size(head));
  std::uint8_t* p = &out[at];
  const CsumSum header_sum = tcp.write(p, options_len);
  EXPECT_EQ(fold(header_sum), fold(sum_bytes(p, kTcpHeader)));
  write_tcp_options(p + kTcpHeader, options);
  std::copy(payload.begin(), payload.end(), p + kTcpHeader + options_len);
  const CsumSum pseudo = pseudo_sum(*head.src, *head.dst, kProtoTcp, static_cast<std::uint32_t>(tcp_len));
  store_checksum(p + kTcpChecksumOffset, pseudo + header_sum + sum_words(p + kTcpHeader, options_len) + sum_bytes(payload));
  return out;
}
FrameHead head4() { return {.dst_mac = nullptr, .src_mac = nullptr, .src = &kA4, .dst = &kB4}; }
FrameHead head6() { return {.dst_mac = nullptr, .src_mac = nullptr, .src = &kA6, .dst = &kB6}; }

TEST(Write, ASynIsScapysToTheByte) {
  FrameHead head = head4();
  head.ip_id = 0x1234;
  head.ttl = 63;
  head.tos = 0x10;
  TcpOptions options;
  options.has_mss = options.has_wscale = options.sack_permitted = options.has_ts = true;
  options.mss = 1460;
  options.wscale = 7;
  options.tsval = 0x01020304;
  const TcpHeader tcp{.src_port = 40000, .dst_port = 80, .seq = SeqNum(0xfffffff0), .ack = SeqNum(0), .flags = kSyn,
                      .window = 64240};
  EXPECT_EQ(build(head, tcp, options, {}), golden::kSyn4);
}

TEST(Write, AnIpv6SegmentIsScapysToTheByte) {
  FrameHead head = head6();
  head.ttl = 60;
  head.tos = 0x22;
  head.flow_label = 0xabcde;
  const TcpHeader tcp{.src_port = 40000, .dst_port = 443, .seq = SeqNum(5), .ack = SeqNum(6), .flags = kAck,
                      .window = 1000};
  EXPECT_EQ(build(head, tcp, {}, {'x', 'y', 'z'}), golden::kAck6);
}

TEST(Write, ATaggedSegmentIsScapysToTheByte) {
  FrameHead head = head4();
  head.vlan = 0x602a;
  head.ip_id = 1;
  head.dont_fragment = false;
  const TcpHeader tcp{.src_port = 1, .dst_port = 2, .seq = SeqNum(9), .ack = SeqNum(0), .flags = kRst};
  EXPECT_EQ(build(head, tcp, {}, {}), golden::kVlan4);
}

TEST(Write, AFlowLabelHasTwentyBits) {
  FrameHead head = head6();
  head.flow_label = 0xfffabcde;
  ByteVector out(54);
  head.dst_mac = kTo.data();
  head.src_mac = kFrom.data();
  write_frame_head(out.data(), head, 0);
  EXPECT_EQ(load_be32(&out[14]), 0x600abcdeU);
}

TEST(Write, TheIpChecksumCanBeLeftToTheDevice) {
  FrameHead head = head4();
  head.dst_mac = kTo.data();
  head.src_mac = kFrom.data();
  head.ip_checksum = false;
  ByteVector out(34, 0xee);
  write_frame_head(out.data(), head, 100);
  EXPECT_EQ(load_be16(&out[24]), 0);
  EXPECT_EQ(load_be16(&out[16]), 120);
}

TEST(Write, AnEthernetHeaderReadsBack) {
  for (const std::uint16_t vlan : {0, 42}) {
    const EthernetHeader header{kTo, kFrom, vlan, kEtherTypeArp};
    ByteVector out(header.size(), 0xee);
    EXPECT_EQ(header.write(out.data()), out.size());
    const auto view = EthernetView::parse(out);
    ASSERT_TRUE(view);
    EXPECT_EQ(load_native<MacAddress>(view->dst()), kTo);
    EXPECT_EQ(load_native<MacAddress>(view->src()), kFrom);
    EXPECT_EQ(view->tagged(), vlan != 0);
    EXPECT_EQ(view->ether_type(), kEtherTypeArp);
    if (vlan != 0) {
      EXPECT_EQ(view->tci(), 42);
    }
  }
}

TEST(Write, ATcpHeaderReadsBack) {
  const TcpHeader header{.src_port = 0x1234, .dst_port = 0x5678, .seq = SeqNum(0x9abcdef0), .ack = SeqNum(0x13579bdf),
                         .flags = kCwr | kEce | kUrg, .window = 0xfedc, .urgent = 0x4321};
  ByteVector out(kTcpHeader + 12 + 3, 0);
  header.write(out.data(), 12);
  const auto view = TcpView::parse(out);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->src_port(), header.src_port);
  EXPECT_EQ(view->dst_port(), header.dst_port);
  EXPECT_EQ(view->seq(), header.seq);
  EXPECT_EQ(view->ack(), header.ack);
  EXPECT_EQ(view->flags(), header.flags);
  EXPECT_EQ(view->window(), header.window);
  EXPECT_EQ(view->urgent(), header.urgent);
  EXPECT_EQ(view->options().size(), 12U);
  EXPECT_EQ(view->payload().size(), 3U);
}

TEST(Write, AnIpv4HeaderReadsBack) {
  const Ipv4Header header{.src = kA4, .dst = kB4, .payload_len = 8, .id = 0xbeef, .dont_fragment = false, .tos = 3,
                          .ttl = 7, .protocol = kProtoIcmpv4};
  ByteVector out(28);
  EXPECT_EQ(header.write(out.data()), kIpv4Header);
  const auto view = Ipv4View::parse(out);
  ASSERT_TRUE(view && view->length_fits() && view->header_checksum_good());
  EXPECT_EQ(view->src(), kA4);
  EXPECT_EQ(view->dst(), kB4);
  EXPECT_EQ(view->id(), 0xbeef);
  EXPECT_EQ(view->tos(), 3);
  EXPECT_EQ(view->ttl(), 7);
  EXPECT_EQ(view->protocol(), kProtoIcmpv4);
  EXPECT_FALSE(view->dont_fragment() || view->is_fragment());
  EXPECT_EQ(view->payload().size(), 8U);
}

}  // namespace
}  // namespace sluice::wire
