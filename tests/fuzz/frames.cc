// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz/frames.h"

#include <algorithm>
#include <array>

#include "base/buf.h"
#include "fuzz/input.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/icmpv4.h"
#include "wire/tcp.h"

namespace sluice::fuzz {

IpAddress our_address(bool v4) noexcept {
  if (v4) return IpAddress::v4(10, 0, 0, 1);
  IpAddress a{{0xfd}};
  a.bytes[15] = 1;
  return a;
}

IpAddress peer_address(bool v4) noexcept {
  if (v4) return IpAddress::v4(10, 0, 0, 2);
  IpAddress a{{0xfd}};
  a.bytes[15] = 2;
  return a;
}

Frame around(bool v4, std::uint8_t protocol, std::span<const std::uint8_t> payload, std::uint8_t tos) {
  const IpAddress src = peer_address(v4);
  const IpAddress dst = our_address(v4);
  wire::FrameHead head{};
  head.dst_mac = kOurMac.data();
  head.src_mac = kPeerMac.data();
  head.src = &src;
  head.dst = &dst;
  head.protocol = protocol;
  head.tos = tos;
  Frame frame(wire::frame_head_size(head));
  wire::write_frame_head(frame.data(), head, static_cast<std::uint16_t>(payload.size()));
  frame.insert(frame.end(), payload.begin(), payload.end());
  repair(frame);
  return frame;
}

Frame build(const Segment& segment) {
  std::vector<std::uint8_t> bytes(wire::kTcpHeader);
  wire::TcpHeader header;
  header.src_port = segment.src_port;
  header.dst_port = segment.dst_port;
  header.seq = segment.seq;
  header.ack = segment.ack;
  header.flags = segment.flags;
  header.window = segment.window;
  header.urgent = segment.urgent;
  header.write(bytes.data(), segment.options.size());
  bytes.insert(bytes.end(), segment.options.begin(), segment.options.end());
  bytes.insert(bytes.end(), segment.payload.begin(), segment.payload.end());
  return around(segment.v4, wire::kProtoTcp, bytes, segment.tos);
}

Frame icmp_error(bool v4, std::uint8_t type, std::uint8_t code, std::uint32_t rest, std::span<const std::uint8_t> quoted) {
  std::vector<std::uint8_t> bytes(wire::kIcmpHeader);
  bytes[0] = type;
  bytes[1] = code;
  wire::store_be32(&bytes[4], rest);
  bytes.insert(bytes.end(), quoted.begin(), quoted.end());
  return around(v4, v4 ? wire::kProtoIcmpv4 : wire::kProtoIcmpv6, bytes);
}

namespace {

// The checksum of the `len` bytes at `l4`, which begin with TCP's or ICMP's header.
void repair_l4(std::uint8_t* l4, std::size_t len, std::uint8_t protocol, wire::CsumSum addresses) noexcept {
  if (protocol != wire::kProtoTcp && protocol != wire::kProtoIcmpv4 && protocol != wire::kProtoIcmpv6) return;
  const std::size_t field = protocol == wire::kProtoTcp ? wire::kTcpChecksumOffset : 2;
  if (len < field + 2) return;
  const std::array<std::uint8_t, 4> tail{0, protocol, static_cast<std::uint8_t>(len >> 8U), static_cast<std::uint8_t>(len)};
  wire::CsumSum sum = 0;
  if (protocol != wire::kProtoIcmpv4) sum = addresses + wire::sum_bytes(tail.data(), tail.size());
  wire::store_native16(l4 + field, 0);
  wire::store_checksum(l4 + field, sum + wire::sum_bytes(l4, len));
}

}  // namespace

void repair(Frame& frame) noexcept {
  if (frame.size() < wire::kEthHeader + wire::kIpv4Header) return;
  std::size_t l3 = wire::kEthHeader;
  std::uint16_t type = wire::load_be16(&frame[12]);
  if (type == wire::kEtherTypeVlan) {
    l3 += wire::kVlanTag;
    type = wire::load_be16(&frame[16]);
  }
  std::uint8_t* ip = &frame[l3];
  const std::size_t size = frame.size() - l3;
  if (type == wire::kEtherTypeIpv4 && size >= wire::kIpv4Header) {
    const std::size_t header = std::min<std::size_t>((ip[0] & 0xfU) * 4U, size);
    if (header < wire::kIpv4Header) return;
    wire::store_native16(ip + 10, 0);
    wire::store_checksum(ip + 10, wire::sum_bytes(ip, header));
    const std::size_t total = std::min<std::size_t>(wire::load_be16(ip + 2), size);
    if (total > header) repair_l4(ip + header, total - header, ip[9], wire::sum_bytes(ip + 12, 8));
  } else if (type == wire::kEtherTypeIpv6 && size > wire::kIpv6Header) {
    std::size_t at = wire::kIpv6Header;
    std::uint8_t next = ip[6];
    // Past hop-by-hop, routing, fragment and destination headers.
    while ((next == 0 || next == 43 || next == 44 || next == 60) && at + 8 <= size) {
      const std::uint8_t kind = next;
      next = ip[at];
      at += kind == 44 ? 8 : (ip[at + 1] + 1U) * 8U;
    }
    const std::size_t end = std::min<std::size_t>(wire::kIpv6Header + wire::load_be16(ip + 4), size);
    if (at < end) repair_l4(ip + at, end - at, next, wire::sum_bytes(ip + 8, 32));
  }
}

wire::Packet parse_ours(Frame& frame) {
  Buf buf{};
  buf.data = frame.data();
  buf.len = static_cast<std::uint32_t>(frame.size());
  wire::Packet packet;
  const wire::ParseError result = wire::parse_frame(buf, wire::ParseContext{}, packet);
  require(result == wire::ParseError::kOk, "the stack sent a frame that is not well-formed", wire::parse_error_name(result));
  return packet;
}

}  // namespace sluice::fuzz
