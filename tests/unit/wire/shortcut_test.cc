// SPDX-License-Identifier: BSD-3-Clause
// parse_plain() is a short way for what nearly every frame is, and frames are written from a template: both must come
// out where the long way does.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "base/rng.h"
#include "frames.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/frame.h"
#include "wire/frame_template.h"
#include "wire/ipv4.h"
#include "wire/packet.h"

namespace sluice::wire {
namespace {

// Both checksums made right again, as far as the lengths allow.
void mend(ByteVector& frame) {
  std::uint8_t* ip = &frame[kEthHeader];
  const std::size_t header = (ip[0] & 0x0fU) * 4U;
  const std::size_t total = load_be16(ip + 2);
  if (header < kIpv4Header || header > frame.size() - kEthHeader) return;
  store_native16(ip + 10, 0);
  store_checksum(ip + 10, sum_bytes(ip, header));
  if (total < header + kTcpHeader || total > frame.size() - kEthHeader) return;
  std::uint8_t* tcp = ip + header;
  store_native16(tcp + kTcpChecksumOffset, 0);
  store_checksum(tcp + kTcpChecksumOffset, sum_bytes(tcp, total - header) + pseudo_sum_v4(ip + 12, ip + 16, kProtoTcp,
                                                                                          static_cast<std::uint32_t>(total - header)));
}

ByteVector mutated(const ByteVector& golden, Rng& rng) {
  ByteVector frame = golden;
  if (rng.below(4) == 0) frame.resize(frame.size() + rng.below(20), 0xdd);
  for (std::uint32_t n = rng.below(4); n != 0; --n) {
    const std::uint32_t at = rng.below(2) == 0 ? rng.below(60) : rng.below(static_cast<std::uint32_t>(frame.size()));
    frame[std::min<std::size_t>(at, frame.size() - 1)] = static_cast<std::uint8_t>(rng.next());
  }
  if (rng.below(2) == 0) mend(frame);
  if (rng.below(16) == 0) frame.resize(14 + rng.below(static_cast<std::uint32_t>(frame.size()) - 13));
  return frame;
}

// All that a TCP packet says, the option fields by their own rules of validity.
auto facts(const Packet& p) {
  const TcpOptions& o = p.options;
  return std::tuple(p.l2_src, p.l3, p.payload, p.payload_len, p.kind, p.l2_group, p.ttl, p.tos, p.src, p.dst, p.src_port, p.dst_port,
                    p.seq.value(), p.ack.value(), p.window, p.urgent, p.flags, p.data_offset, p.l3_len, p.ip_protocol,
                    std::tuple(o.has_mss, o.has_wscale, o.sack_permitted, o.has_ts, o.has_fast_open, o.n_sack,
                               o.has_ts ? o.tsval : 0, o.has_ts ? o.tsecr : 0));
}

TEST(ParsePlain, EndsWhereTheLongWayDoes) {
  Rng rng(9293);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    const ByteVector& golden = i % 3 == 0 ? golden::kSyn4 : i % 3 == 1 ? golden::kData4 : golden::kOptions4;
    const Exact frame(mutated(golden, rng));
    Buf buf{};
    buf.data = frame.data();
    buf.len = static_cast<std::uint32_t>(frame.bytes().size());
    for (const unsigned flag : {kRxIpCsumGood, kRxL4CsumGood, kRxVlan}) {
      if (rng.below(4) == 0) buf.flags = static_cast<std::uint16_t>(buf.flags | flag);
    }
    ParseContext context{static_cast<std::uint16_t>(rng.below(8) == 0 ? 5 : 0)};
    std::copy_n(golden.begin(), context.mac.size(), context.mac.begin());
    if (rng.below(8) == 0) std::copy_n(frame.data(), context.mac.size(), context.mac.begin());
    Packet one{};
    Packet other{};
    const bool short_way = parse_plain(buf, context, one);
    const ParseResult long_way = parse_frame(buf, context, other);
    // What it must take: all but what it is said to leave to the long way.
    const bool untagged = context.vlan == 0 && (buf.flags & kRxVlan) == 0 && other.l3 == frame.data() + kEthHeader;
    const bool ours = !other.l2_group && std::equal(context.mac.begin(), context.mac.end(), frame.data());
    const bool plain = long_way == ParseError::kOk && other.kind == PacketKind::kTcp4 && untagged && ours && other.l3_len == kIpv4Header;
    ASSERT_EQ(short_way, plain) << "frame " << i;
    if (!short_way) continue;
    ASSERT_EQ(facts(one), facts(other)) << "frame " << i;
    ++accepted;
  }
  EXPECT_GT(accepted, 30'000);  // or it says little
}

IpAddress any_address(bool v4, Rng& rng) {
  IpAddress address = IpAddress::v4(0, 0, 0, 0);
  for (std::size_t i = v4 ? 12 : 0; i < 16; ++i) address.bytes[i] = static_cast<std::uint8_t>(rng.next());
  return address;
}

TEST(FrameTemplate, WritesWhatTheLongWayDoes) {
  Rng rng(791);
  for (int i = 0; i < 20'000; ++i) {
    const bool v4 = rng.below(2) == 0;
    const IpAddress src = any_address(v4, rng);
    const IpAddress dst = any_address(v4, rng);
    MacAddress mac;
    for (std::uint8_t& byte : mac) byte = static_cast<std::uint8_t>(rng.next());
    FrameHead head{.dst_mac = mac.data(), .src_mac = mac.data(), .src = &src, .dst = &dst};
    head.vlan = rng.below(2) == 0 ? static_cast<std::uint16_t>(rng.below(4095)) : std::uint16_t{0};
    head.ip_checksum = rng.below(2) == 0;
    head.flow_label = rng.below(1U << 20U);
    head.ip_id = static_cast<std::uint16_t>(rng.next());
    head.ttl = static_cast<std::uint8_t>(rng.next());
    head.tos = static_cast<std::uint8_t>(rng.next());
    const auto len = static_cast<std::uint16_t>(rng.below(65'516));
    std::array<std::uint8_t, 64> slow{};
    std::array<std::uint8_t, 80> fast{};  // up to the end of the TCP header
    const std::size_t n = write_frame_head(slow.data(), head, len);
    const FrameTemplate common(mac, head.vlan, src, head.ip_checksum);
    ASSERT_EQ(common.l2_len() + common.l3_len(), n);
    ASSERT_EQ(common.is_v4(), v4);
    const FrameTemplate::Fields fields{len, head.ip_id, head.flow_label, head.ttl, head.tos};
    const CsumSum pseudo = v4 ? common.write<true>(fast.data(), dst, fields) : common.write<false>(fast.data(), dst, fields);
    ASSERT_TRUE(std::equal(slow.begin(), slow.begin() + static_cast<std::ptrdiff_t>(n), fast.begin())) << "frame " << i;
    ASSERT_EQ(fold(pseudo), fold(pseudo_sum(src, dst, kProtoTcp, len))) << "frame " << i;
    ASSERT_TRUE(std::all_of(fast.begin() + static_cast<std::ptrdiff_t>(n + kTcpHeader), fast.end(), [](auto b) { return b == 0; }));
  }
}

}  // namespace
}  // namespace sluice::wire
