// SPDX-License-Identifier: BSD-3-Clause
#include "wire/packet.h"

#include <cstring>

#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

namespace sluice::wire {

namespace {

using Bytes = std::span<const std::uint8_t>;

// Payload is handed on as the buffer's own, which its owner may write to.
std::uint8_t* writable(const std::uint8_t* p) noexcept { return const_cast<std::uint8_t*>(p); }

void set_payload(Bytes bytes, Packet& out) noexcept {
  out.payload = writable(bytes.data());
  out.payload_len = static_cast<std::uint32_t>(bytes.size());
}

// `pseudo`: the pseudo-header's sum, asked for only where it is needed.
template <typename PseudoSum>
inline ParseError parse_tcp(Bytes segment, std::uint16_t buf_flags, PseudoSum pseudo, Packet& out) noexcept {
  const auto tcp = TcpView::parse(segment);
  if (!tcp) [[unlikely]] return ParseError::kTcpHeaderBad;
  if ((buf_flags & kRxL4CsumGood) == 0 &&
      !checksum_good(pseudo() + sum_bytes(segment))) [[unlikely]] {
    return ParseError::kTcpChecksumBad;
  }
  out.src_port = tcp->src_port();
  out.dst_port = tcp->dst_port();
  out.seq = tcp->seq();
  out.ack = tcp->ack();
  out.flags = tcp->flags();
  out.window = tcp->window();
  out.urgent = tcp->urgent();
  out.data_offset = static_cast<std::uint8_t>(tcp->header_len());
  parse_tcp_options(tcp->options(), (out.flags & kSyn) != 0, out.options);
  set_payload(tcp->payload(), out);
  return ParseError::kOk;
}

ParseError parse_icmp4(Bytes message, Packet& out) noexcept {
  const auto icmp = Icmpv4View::parse(message);
  if (!icmp) return ParseError::kIcmpv4Bad;
  if (!icmp->checksum_good()) return ParseError::kIcmpv4ChecksumBad;
  out.kind = PacketKind::kIcmp4;
  set_payload(message, out);
  return ParseError::kOk;
}

ParseError parse_icmp6(Bytes message, const Ipv6View& ip, Packet& out) noexcept {
  const auto icmp = Icmpv6View::parse(message);
  if (!icmp) return ParseError::kIcmpv6Bad;
  const auto len = static_cast<std::uint32_t>(message.size());
  if (!checksum_good(sum_bytes(message) + pseudo_sum_v6(ip.src_bytes(), ip.dst_bytes(), kProtoIcmpv6, len))) {
    return ParseError::kIcmpv6ChecksumBad;
  }
  out.kind = PacketKind::kIcmp6;
  set_payload(message, out);
  return ParseError::kOk;
}

// What only packets with IP options need.
[[gnu::noinline]] ParseError check_ipv4_options(const Ipv4View& ip) noexcept {
  switch (ip.check_options()) {
    case Ipv4OptionsResult::kFine: return ParseError::kOk;
    case Ipv4OptionsResult::kSourceRoute: return ParseError::kIpv4SourceRoute;
    case Ipv4OptionsResult::kMalformed: break;
  }
  return ParseError::kIpv4HeaderBad;
}

inline ParseError parse_ipv4(Bytes bytes, std::uint16_t buf_flags, Packet& out) noexcept {
  const auto ip = Ipv4View::parse(bytes);
  if (!ip) [[unlikely]] return ParseError::kIpv4HeaderBad;
  if (!ip->length_fits()) [[unlikely]] return ParseError::kIpv4LengthBad;
  if ((buf_flags & kRxIpCsumGood) == 0 && !ip->header_checksum_good()) [[unlikely]] return ParseError::kIpv4ChecksumBad;
  if (ipv4_source_is_martian(*ip->src_bytes())) [[unlikely]] return ParseError::kIpv4SourceMartian;
  out.l3 = bytes.data();
  out.l3_len = static_cast<std::uint16_t>(ip->header_len());
  out.ttl = ip->ttl();
  out.tos = ip->tos();
  out.ip_protocol = ip->protocol();
  out.src = ip->src();
  out.dst = ip->dst();
  if (ip->header_len() != kIpv4Header) [[unlikely]] {
    if (const ParseError error = check_ipv4_options(*ip); error != ParseError::kOk) return error;
  }
  const Bytes payload = ip->payload();
  if (ip->is_fragment()) [[unlikely]] {
    set_payload(payload, out);
    return ParseError::kIpv4Fragment;
  }
  if (ip->protocol() == kProtoTcp) [[likely]] {
    out.kind = PacketKind::kTcp4;
    const auto pseudo = [&] {
      return pseudo_sum_v4(ip->src_bytes(), ip->dst_bytes(), kProtoTcp, static_cast<std::uint32_t>(payload.size()));
    };
    return parse_tcp(payload, buf_flags, pseudo, out);
  }
  if (ip->protocol() == kProtoIcmpv4) return parse_icmp4(payload, out);
  set_payload(payload, out);
  return ParseError::kIpv4ProtocolUnknown;
}

// `chain` ended before an upper layer that can be read.
[[gnu::noinline]] ParseError refuse_ipv6_chain(const Ipv6Chain& chain, Packet& out) noexcept {
  out.problem_offset = chain.problem_offset;
  out.problem_action = chain.action;
  switch (chain.result) {
    case Ipv6ChainResult::kFragment: return ParseError::kIpv6Fragment;
    case Ipv6ChainResult::kTooMany: return ParseError::kIpv6ExtensionsTooMany;
    case Ipv6ChainResult::kOptionUnknown: return ParseError::kIpv6OptionUnknown;
    case Ipv6ChainResult::kRoutingUnknown: return ParseError::kIpv6RoutingUnknown;
    case Ipv6ChainResult::kNoNext: return ParseError::kIpv6NoNextHeader;
    case Ipv6ChainResult::kUpperLayer: return ParseError::kIpv6NextHeaderUnknown;
    case Ipv6ChainResult::kCutOff: break;
  }
  return ParseError::kIpv6ExtensionBad;
}

// An unspecified source is left to the caller: address resolution uses it (RFC 4862 5.4.2).
ParseError check_ipv6_addresses(const Ipv6View& ip, bool& unspecified) noexcept {
  switch (ipv6_scope(ip.src_bytes())) {
    case Ipv6Scope::kUnicast: break;
    case Ipv6Scope::kUnspecified: unspecified = true; break;
    case Ipv6Scope::kMulticast:
    case Ipv6Scope::kLoopback:
    case Ipv6Scope::kV4Mapped: return ParseError::kIpv6SourceMartian;
  }
  switch (ipv6_scope(ip.dst_bytes())) {
    case Ipv6Scope::kUnicast:
    case Ipv6Scope::kMulticast: return ParseError::kOk;
    case Ipv6Scope::kUnspecified:
    case Ipv6Scope::kLoopback:
    case Ipv6Scope::kV4Mapped: break;  // mapped: would pass for one of our IPv4 addresses
  }
  return ParseError::kIpv6DestinationMartian;
}

// Before a host has an address it asks whether somebody has the one it wants, and joins that one's group (RFC 4862 5.4.2,
// RFC 3810 5.2.13).
bool may_come_from_nobody(std::uint8_t type) noexcept {
  return type == kIcmpv6NeighborSolicitation || type == kMldReportV1 || type == kMldReportV2;
}

inline ParseError parse_ipv6(Bytes bytes, std::uint16_t buf_flags, Packet& out) noexcept {
  const auto ip = Ipv6View::parse(bytes);
  if (!ip) [[unlikely]] return ParseError::kIpv6HeaderBad;
  if (!ip->length_fits()) [[unlikely]] return ParseError::kIpv6LengthBad;
  bool unspecified = false;
  if (const ParseError error = check_ipv6_addresses(*ip, unspecified); error != ParseError::kOk) [[unlikely]] {
    return error;
  }
  out.l3 = bytes.data();
  out.ttl = ip->hop_limit();
  out.tos = ip->traffic_class();
  out.src = ip->src();
  out.dst = ip->dst();
  Ipv6Chain chain{Ipv6ChainResult::kUpperLayer, ip->next_header(), 0, kIpv6Header, 6, false};
  if (chain.next_header != kProtoTcp && chain.next_header != kProtoIcmpv6) [[unlikely]] {
    chain = walk_ipv6_extensions(*ip);
  }
  out.ip_protocol = chain.next_header;
  out.l3_len = chain.offset;
  const Bytes rest = ip->payload().subspan(chain.offset - kIpv6Header);
  if (chain.result == Ipv6ChainResult::kUpperLayer) [[likely]] {
    if (chain.next_header == kProtoTcp && !unspecified) [[likely]] {
      out.kind = PacketKind::kTcp6;
      const auto pseudo = [&] {
        return pseudo_sum_v6(ip->src_bytes(), ip->dst_bytes(), kProtoTcp, static_cast<std::uint32_t>(rest.size()));
      };
      return parse_tcp(rest, buf_flags, pseudo, out);
    }
    if (chain.next_header == kProtoIcmpv6) {
      const ParseError error = parse_icmp6(rest, *ip, out);
      out.fragment_header = chain.fragmented;
      if (error == ParseError::kOk && unspecified && !may_come_from_nobody(rest[0])) {
        return ParseError::kIpv6SourceMartian;
      }
      return error;
    }
  }
  if (unspecified) return ParseError::kIpv6SourceMartian;
  set_payload(rest, out);
  return refuse_ipv6_chain(chain, out);
}

ParseError parse_arp(Bytes bytes, Packet& out) noexcept {
  if (!ArpView::parse(bytes)) return ParseError::kArpBad;
  out.kind = PacketKind::kArp;
  out.l3 = bytes.data();
  set_payload(bytes.first(kArpMessage), out);
  return ParseError::kOk;
}

// 802.1Q 6.9: a tag with VLAN identifier 0 carries a priority only.
inline bool vlan_is_ours(const EthernetView& eth, const Buf& buf, std::uint16_t vlan) noexcept {
  if ((buf.flags & kRxVlan) != 0) return !eth.tagged() && (buf.vlan_tci & 0xfffU) == vlan;
  return eth.tagged() ? (eth.tci() & 0xfffU) == vlan : vlan == 0;
}

}  // namespace

[[gnu::noinline]] ParseResult parse_frame(const Buf& buf, const ParseContext& context, Packet& out) noexcept {
  const Bytes frame(buf.data, buf.len);
  const auto eth = EthernetView::parse(frame);
  if (!eth) [[unlikely]] return ParseError::kEthTooShort;
  if (!vlan_is_ours(*eth, buf, context.vlan)) [[unlikely]] return ParseError::kVlanForeign;
  if (eth->src_is_group()) [[unlikely]] return ParseError::kEthSourceGroup;
  out.l2_src = eth->src();
  out.l2_group = eth->dst_is_group();
  const Bytes l3 = frame.subspan(eth->header_len());
  switch (eth->ether_type()) {
    case kEtherTypeIpv4: return parse_ipv4(l3, buf.flags, out);
    case kEtherTypeIpv6: return parse_ipv6(l3, buf.flags, out);
    case kEtherTypeArp: return parse_arp(l3, out);
    case kEtherTypeVlan: return ParseError::kVlanForeign;  // a second tag
    default: return ParseError::kEtherTypeUnknown;
  }
}

bool parse_plain(const Buf& buf, const ParseContext& context, Packet& out) noexcept {
  constexpr std::size_t kIp = kEthHeader;
  constexpr std::size_t kTcp = kIp + kIpv4Header;
  constexpr std::uint32_t kTypeVersion = 0x00450008;  // in memory order: EtherType, version and header length
  // Of the four bytes with fragment, TTL and protocol: neither a fragment, whatever DF and the reserved bit say, nor but TCP.
  constexpr std::uint32_t kFragmentProtocolMask = 0xff00ff3f;
  constexpr std::uint32_t kWholeTcp = std::uint32_t{kProtoTcp} << 24U;
  const std::uint8_t* __restrict p = buf.data;  // no store to `out` changes the frame
  if (buf.len < kTcp + kTcpHeader || (buf.flags & kRxVlan) != 0 || context.vlan != 0) [[unlikely]] return false;
  if ((load_native<std::uint32_t>(p + 12) & 0x00ffffffU) != kTypeVersion) return false;
  if (std::memcmp(p, context.mac.data(), context.mac.size()) != 0) [[unlikely]] return false;
  const std::uint32_t total = load_be16(p + kIp + 2);
  const std::uint32_t tcp_header = (p[kTcp + 12] >> 2U) & 0x3cU;
  if (((p[0] | p[6]) & 1U) != 0 || (load_native<std::uint32_t>(p + kIp + 6) & kFragmentProtocolMask) != kWholeTcp ||
      total > buf.len - kIp || tcp_header < kTcpHeader || total < kIpv4Header + tcp_header ||
      ipv4_source_is_martian(p[kIp + 12])) [[unlikely]] {
    return false;
  }
  const std::uint32_t tcp_len = total - static_cast<std::uint32_t>(kIpv4Header);
  const CsumSum addresses = sum_fixed<8>(p + kIp + 12);
  if ((buf.flags & kRxIpCsumGood) == 0 && !checksum_good(sum_fixed<12>(p + kIp) + addresses)) [[unlikely]] return false;
  if ((buf.flags & kRxL4CsumGood) == 0) {
    const CsumSum pseudo = addresses + (std::uint64_t{kProtoTcp} << 8U) + __builtin_bswap16(static_cast<std::uint16_t>(tcp_len));
    const CsumSum rest = tcp_len == kTcpHeader ? 0 : sum_bytes(p + kTcp + kTcpHeader, tcp_len - kTcpHeader);
    if (!checksum_good(pseudo + sum_fixed<kTcpHeader>(p + kTcp) + rest)) [[unlikely]] return false;
  }
  out.l2_src = p + 6;
  out.l3 = p + kIp;
  out.payload = writable(p + kTcp + tcp_header);
  out.payload_len = tcp_len - tcp_header;
  out.kind = PacketKind::kTcp4;
  out.l2_group = false;
  out.ttl = p[kIp + 8];
  out.tos = p[kIp + 1];
  out.ip_protocol = kProtoTcp;
  out.l3_len = kIpv4Header;
  out.src = load_ipv4_address(p + kIp + 12);
  out.dst = load_ipv4_address(p + kIp + 16);
  out.src_port = load_be16(p + kTcp);
  out.dst_port = load_be16(p + kTcp + 2);
  out.seq = SeqNum(load_be32(p + kTcp + 4));
  out.ack = SeqNum(load_be32(p + kTcp + 8));
  out.data_offset = static_cast<std::uint8_t>(tcp_header);
  out.flags = p[kTcp + 13];
  out.window = load_be16(p + kTcp + 14);
  out.urgent = load_be16(p + kTcp + 18);
  parse_tcp_options(Bytes(p + kTcp + kTcpHeader, tcp_header - kTcpHeader), (out.flags & kSyn) != 0, out.options);
  return true;
}

const char* parse_error_name(ParseError error) noexcept {
  switch (error) {
    case ParseError::kOk: return "kOk";
#define PARSE_ERROR(name, text) \
  case ParseError::name: return #name;
#include "wire/parse_error.def"
#undef PARSE_ERROR
  }
  return "";
}

const char* parse_error_text(ParseError error) noexcept {
  switch (error) {
    case ParseError::kOk: return "fine";
#define PARSE_ERROR(name, text) \
  case ParseError::name: return text;
#include "wire/parse_error.def"
#undef PARSE_ERROR
  }
  return "";
}

}  // namespace sluice::wire
