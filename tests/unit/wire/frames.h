// SPDX-License-Identifier: BSD-3-Clause
// Frames for the tests of src/wire. The golden ones were written by scapy, so that nothing here
// is both author and judge; every copy handed to a parser is exactly as long as its
// allocation, so that the address sanitizer sees the first byte read beyond.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/buf.h"
#include "wire/packet.h"

namespace sluice::wire {

using ByteVector = std::vector<std::uint8_t>;

inline ByteVector from_hex(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  ByteVector out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(digit(hex[i]) << 4U | digit(hex[i + 1])));
  }
  return out;
}

// A heap copy without a byte to spare.
class Exact {
 public:
  explicit Exact(std::span<const std::uint8_t> bytes) : data_(new std::uint8_t[bytes.size()]), size_(bytes.size()) {
    for (std::size_t i = 0; i < size_; ++i) data_[i] = bytes[i];
  }
  [[nodiscard]] std::uint8_t* data() const { return data_.get(); }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_;
};

// A frame as parse_frame() is given it, with what came out.
class Received {
 public:
  explicit Received(std::span<const std::uint8_t> frame, ParseContext context = {}, unsigned flags = 0,
                    std::uint16_t vlan_tci = 0)
      : copy_(frame) {
    buf_.data = copy_.data();
    buf_.len = static_cast<std::uint32_t>(frame.size());
    buf_.flags = static_cast<std::uint16_t>(flags);
    buf_.vlan_tci = vlan_tci;
    error = parse_frame(buf_, context, packet);
  }
  [[nodiscard]] ByteVector payload() const { return {packet.payload, packet.payload + packet.payload_len}; }
  [[nodiscard]] std::size_t payload_offset() const { return static_cast<std::size_t>(packet.payload - copy_.data()); }
  // Payload and headers lie inside the frame; only with kOk.
  [[nodiscard]] bool inside() const {
    const std::uint8_t* begin = copy_.data();
    const std::uint8_t* end = begin + buf_.len;
    return packet.l2_src >= begin && packet.l2_src + 6 <= end && packet.l3 >= begin && packet.l3 <= end &&
           packet.payload >= packet.l3 && packet.payload + packet.payload_len <= end;
  }
  ParseError error = ParseError::kOk;
  Packet packet{};

 private:
  Exact copy_;
  Buf buf_{};
};

inline ParseError parse(std::span<const std::uint8_t> frame, ParseContext context = {}) {
  return Received(frame, context).error;
}

// RFC 1071, word by word, in host order.
inline std::uint16_t naive_sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0) {
  std::uint32_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += (i & 1U) == 0 ? static_cast<std::uint32_t>(bytes[i]) << 8U : bytes[i];
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(sum);
}
inline void put16(ByteVector& bytes, std::size_t at, std::uint32_t v) {
  bytes[at] = static_cast<std::uint8_t>(v >> 8U);
  bytes[at + 1] = static_cast<std::uint8_t>(v);
}
// After an edit of the IPv4 header at byte 14.
inline void fix_ip_checksum(ByteVector& frame) {
  put16(frame, 24, 0);
  put16(frame, 24, 0xffffU ^ naive_sum({frame.data() + 14, (frame[14] & 15U) * 4U}));
}
// After an edit of a TCP segment at `at` over IPv4 or IPv6 at byte 14, without padding.
inline void fix_tcp_checksum(ByteVector& frame, std::size_t at) {
  put16(frame, at + 16, 0);
  const bool v4 = frame[14] >> 4U == 4;
  const auto pseudo = naive_sum({frame.data() + (v4 ? 26 : 22), v4 ? 8U : 32U});
  const auto len = static_cast<std::uint32_t>(frame.size() - at);
  put16(frame, at + 16, 0xffffU ^ naive_sum({frame.data() + at, len}, pseudo + 6U + len));
}

namespace golden {
// 10.1.2.3:40000 > 10.77.0.1:80, SYN seq 0xfffffff0, window 64240, MSS 1460, SACK, TS 0x01020304, scale 7
inline const ByteVector kSyn4 = from_hex(
    "02000000000102000000000208004510003c123440003f0613270a0102030a4d00019c400050fffffff000000000a002faf0963600000204"
    "05b40402080a010203040000000001030307");
// PSH|ACK seq 1 ack 2 window 502, NOP NOP TS 7 9, "hello"
inline const ByteVector kData4 = from_hex(
    "02000000000102000000000208004500003912354000400612390a0102030a4d00019c4000500000000100000002801801f67df300000101"
    "080a000000070000000968656c6c6f");
// fd77::2:40000 > fd77::1:443, ACK seq 5 ack 6 window 1000, class 0x22, hop limit 60, "xyz"
inline const ByteVector kAck6 = from_hex(
    "02000000000102000000000286dd622abcde0017063cfd770000000000000000000000000002fd7700000000000000000000000000019c40"
    "01bb0000000500000006501003e82077000078797a");
// VLAN 42, priority 3; RST seq 9
inline const ByteVector kVlan4 = from_hex(
    "0200000000010200000000028100602a080045000028000100004006647e0a0102030a4d000100010002000000090000000050040000"
    "99830000");
// who has 10.77.0.1, tell 10.77.0.2
inline const ByteVector kArp =
    from_hex("ffffffffffff020000000002080600010800060400010200000000020a4d00020000000000000a4d0001");
inline const ByteVector kEcho4 = from_hex(
    "02000000000102000000000208004500002100010000400164"
    "8a0a0102030a4d00010800f7d60055000370696e6721");
inline const ByteVector kEcho6 = from_hex(
    "02000000000102000000000286dd60000000000d3a40fd770000000000000000000000000002fd7700000000000000000000000000018000"
    "849c0055000370696e6721");
// fd77::2 asks ff02::1:ff00:1 for fd77::1
inline const ByteVector kSolicitation = from_hex(
    "3333ff00000102000000000286dd6000000000203afffd770000000000000000000000000002ff0200000000000000000001ff0000018700"
    "7ca900000000fd7700000000000000000000000000010101020000000002");
inline const ByteVector kAdvertisement = from_hex(
    "02000000000102000000000286dd6000000000203afffd770000000000000000000000000001fd7700000000000000000000000000028800"
    "1b3760000000fd7700000000000000000000000000010201020000000001");
// From fe80::2: high preference, 1800 s, source link-layer address, MTU 1400, prefix fd55::/64 on-link and autonomous.
inline const ByteVector kRouterAdvertisement = from_hex(
    "33330000000102000000000286dd6000000000403afffe800000000000000000000000000002ff0200000000000000000000000000018600"
    "5c9640080708000000000000000001010200000000020501000000000578030440c0000151800000384000000000fd550000000000000000"
    "000000000000");
// fd77::1 asks all routers
inline const ByteVector kRouterSolicitation = from_hex(
    "33330000000202000000000186dd6000000000103afffd770000000000000000000000000001ff0200000000000000000000000000028500"
    "7b35000000000101020000000001");
// hop-by-hop (router alert), destination (PadN), routing (0 left), then TCP ACK seq 3 ack 4
inline const ByteVector kExtensions6 = from_hex(
    "02000000000102000000000286dd60000000002c0040fd770000000000000000000000000002fd7700000000000000000000000000013c00"
    "0502000001002b0001040000000006000000000000000001000200000003000000045010200094d80000");
// NOP, router alert, end; TCP ACK with "q"
inline const ByteVector kOptions4 = from_hex(
    "0200000000010200000000020800470000310001000040065ce10a0102030a4d00010194040000000000000100020000000300000004"
    "501020000878000071");
// fragmentation needed, 1300
inline const ByteVector kUnreachable4 = from_hex(
    "02000000000102000000000208004500002400010000400164870a0102030a4d0001030427130000051431323334"
    "35363738");
inline const ByteVector kTooBig6 = from_hex(
    "02000000000102000000000286dd6000000000103a40fd770000000000000000000000000002fd7700000000000000000000000000010200"
    "2cda000005143132333435363738");

inline const std::vector<const ByteVector*> kAll = {
    &kSyn4,  &kData4,        &kAck6,          &kVlan4,       &kArp,      &kEcho4,        &kEcho6,
    &kSolicitation, &kAdvertisement, &kExtensions6, &kOptions4, &kUnreachable4, &kTooBig6, &kRouterAdvertisement};
}  // namespace golden

}  // namespace sluice::wire
