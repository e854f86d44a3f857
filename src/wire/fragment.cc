// SPDX-License-Identifier: BSD-3-Clause
#include "wire/fragment.h"

#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

namespace sluice::wire {

namespace {

constexpr std::uint32_t kMaxDatagram = 65535;
constexpr std::size_t kFragmentHeader = 8;
constexpr std::size_t kTinyTcp = 16;  // RFC 1858 3.2.1: up to and with the flags

// Behind the first fragment header of IPv6 everything up to the upper layer's header is in this fragment (RFC
// 7112 5).
FragmentCheck check_chain(const IpFragment& fragment) noexcept {
  std::uint8_t next_header = fragment.protocol;
  const Ipv6Chain chain = walk_ipv6_fragment(fragment.bytes, next_header);
  if (chain.result == Ipv6ChainResult::kCutOff) return FragmentCheck::kTiny;
  if (chain.result != Ipv6ChainResult::kUpperLayer) return FragmentCheck::kProtocolUnknown;
  const std::size_t left = fragment.bytes.size() - chain.offset;
  if (chain.next_header == kProtoTcp) return left < kTcpHeader ? FragmentCheck::kTiny : FragmentCheck::kFine;
  if (chain.next_header == kProtoIcmpv6) return left < kIcmpv6Least ? FragmentCheck::kTiny : FragmentCheck::kFine;
  return FragmentCheck::kProtocolUnknown;
}

FragmentCheck check_v4(const IpFragment& fragment) noexcept {
  if (fragment.protocol == kProtoIcmpv4) return FragmentCheck::kFine;
  if (fragment.protocol != kProtoTcp) return FragmentCheck::kProtocolUnknown;
  const bool tiny = fragment.offset == 8 || (fragment.offset == 0 && fragment.bytes.size() < kTinyTcp);
  return tiny ? FragmentCheck::kTiny : FragmentCheck::kFine;
}

}  // namespace

FragmentCheck read_fragment(Packet& packet, IpFragment& out) noexcept {
  out.src = packet.src;
  out.dst = packet.dst;
  out.ttl = packet.ttl;
  out.tos = packet.tos;
  std::span<const std::uint8_t> bytes{packet.payload, packet.payload_len};
  const bool v4 = packet.dst.is_v4();
  if (v4) {
    out.id = load_be16(packet.l3 + 4);
    out.offset = (load_be16(packet.l3 + 6) & 0x1fffU) * 8U;
    out.more = (packet.l3[6] & 0x20U) != 0;
    out.protocol = packet.l3[9];
  } else {
    const std::uint8_t* header = bytes.data();
    out.protocol = header[0];
    out.offset = load_be16(header + 2) & 0xfff8U;
    out.more = (header[3] & 1U) != 0;
    out.id = load_be32(header + 4);
    bytes = bytes.subspan(kFragmentHeader);
  }
  out.bytes = bytes;
  if (bytes.empty()) return FragmentCheck::kEmpty;
  if (out.more && bytes.size() % 8 != 0) {
    packet.problem_offset = 4;  // the payload length
    return FragmentCheck::kUneven;
  }
  if (out.end() > kMaxDatagram - (v4 ? kIpv4Header : 0)) {
    packet.problem_offset = static_cast<std::uint16_t>(packet.l3_len + 2U);  // the fragment offset
    return FragmentCheck::kTooLong;
  }
  if (v4) return check_v4(out);
  packet.problem_offset = 0;
  if (out.offset == 0) return check_chain(out);
  // The first header behind the fragment header may be an extension; what is neither is not waited for.
  if (out.protocol == kProtoTcp) return out.offset < kTcpHeader ? FragmentCheck::kTiny : FragmentCheck::kFine;
  const bool known = out.protocol == kProtoIcmpv6 || out.protocol == kProtoDestinationOptions || out.protocol == kProtoRouting;
  return known ? FragmentCheck::kFine : FragmentCheck::kProtocolUnknown;
}

}  // namespace sluice::wire
