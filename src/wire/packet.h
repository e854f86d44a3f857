// SPDX-License-Identifier: BSD-3-Clause
// One received frame, taken apart once: every check that needs the frame alone is
// made here, and what passes is a plain Packet. Whether the packet is for us is the
// stack's question. Shard thread; no state, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buf.h"
#include "base/seq_num.h"
#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/tcp.h"
#include "wire/tcp_options.h"

namespace sluice::wire {

enum class PacketKind : std::uint8_t { kTcp4, kTcp6, kArp, kIcmp4, kIcmp6 };

// Why a frame goes no further; kOk if it does.
enum class ParseError : std::uint8_t {
  kOk,
#define PARSE_ERROR(name, text) name,
#include "wire/parse_error.def"
#undef PARSE_ERROR
};
#define PARSE_ERROR(name, text) +1
inline constexpr std::size_t kParseErrors = 1
#include "wire/parse_error.def"
    ;
#undef PARSE_ERROR
using ParseResult = ParseError;

// "kTcpChecksumBad" and its text in parse_error.def. Static storage.
[[nodiscard]] const char* parse_error_name(ParseError error) noexcept;
[[nodiscard]] const char* parse_error_text(ParseError error) noexcept;

struct ParseContext {
  std::uint16_t vlan = 0;  // VLAN identifier that the port's frames carry; 0: none
  MacAddress mac{};        // the port's own, for parse_plain(); a frame to another is not refused for that
};

// Pointers are into the frame, valid as long as its buffer. Fields are set for the
// kinds named; the others are stale.
struct Packet {
  // all kinds
  const std::uint8_t* l2_src;   // 6 bytes
  const std::uint8_t* l3;       // IP header or ARP message
  std::uint8_t* payload;        // TCP: data; ICMP: from the type byte on; ARP: = l3
  PacketKind kind;
  bool l2_group;                // sent to a broadcast or multicast Ethernet address
  std::uint8_t ttl;             // or hop limit; not ARP, as the rest
  std::uint8_t tos;             // or traffic class
  std::uint32_t payload_len;    // bytes, without Ethernet padding
  IpAddress src, dst;
  // TCP
  std::uint16_t src_port, dst_port;
  SeqNum seq, ack;
  std::uint16_t window;         // raw
  std::uint8_t flags;           // TcpFlag
  std::uint8_t data_offset;     // bytes of TCP header with its options
  std::uint16_t urgent;
  std::uint16_t l3_len;         // bytes from l3 to the TCP or ICMP header (IP options, extension headers)
  // IPv6: with kIpv6NextHeaderUnknown, kIpv6OptionUnknown, kIpv6RoutingUnknown, the offset
  // from l3 that a Parameter Problem (RFC 4443 3.4) points to.
  std::uint16_t problem_offset;
  std::uint8_t problem_action;  // with kIpv6OptionUnknown: the two action bits (RFC 8200 4.2), 1-3
  std::uint8_t ip_protocol;     // TCP, ICMP, or the unknown one
  bool fragment_header;         // ICMPv6: behind a fragment header, which neighbour discovery must not be (RFC 6980)
  TcpOptions options;

  [[nodiscard]] bool is_v4() const noexcept { return kind == PacketKind::kTcp4 || kind == PacketKind::kIcmp4; }
  // Sequence space that the segment takes (SEG.LEN): data, SYN and FIN.
  [[nodiscard]] std::uint32_t seg_len() const noexcept {
    return payload_len + ((flags & kSyn) != 0 ? 1U : 0U) + ((flags & kFin) != 0 ? 1U : 0U);
  }
};
static_assert(sizeof(Packet) <= 192);

// Takes the frame in buf.data[0, buf.len) apart. With kOk every pointer and length in
// `out` lies inside the frame, and the checksums are right: verified here unless
// the device said so. Otherwise `out` holds what was read before the error was met:
// the Ethernet fields after the VLAN check, addresses, ttl, tos and l3 after the martian
// check (with payload = the bytes behind the IP header for kIpv4Fragment,
// kIpv6Fragment, kIpv4ProtocolUnknown and kIpv6NextHeaderUnknown).
[[nodiscard]] ParseResult parse_frame(const Buf& buf, const ParseContext& context, Packet& out) noexcept;
// The short way for what nearly every frame of an untagged port is: TCP in IPv4 to the port's own address, without IP options
// or fragments. True: parse_frame() would say kOk, and `out` holds what that would put there. False says nothing, and what
// is in `out` means nothing.
[[nodiscard]] bool parse_plain(const Buf& buf, const ParseContext& context, Packet& out) noexcept;

}  // namespace sluice::wire
