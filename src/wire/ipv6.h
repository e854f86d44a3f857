// SPDX-License-Identifier: BSD-3-Clause
// The IPv6 header (RFC 8200) and the extension headers that may stand before TCP or
// ICMPv6. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/ipv4.h"

namespace sluice::wire {

inline constexpr std::size_t kIpv6Header = 40;
inline constexpr unsigned kMaxIpv6Extensions = 8;  // headers that are read before giving up
inline constexpr std::size_t kIcmpv6Least = 4;     // type, code, checksum
inline constexpr unsigned kMaxIpv6Options = 64;    // of all those headers together, padding included

[[nodiscard]] inline IpAddress load_ipv6_address(const std::uint8_t* p) noexcept {
  IpAddress a;
  std::memcpy(a.bytes.data(), p, 16);
  return a;
}

// What stands in an address, as far as receiving cares.
enum class Ipv6Scope : std::uint8_t { kUnicast, kMulticast, kUnspecified, kLoopback, kV4Mapped };
[[nodiscard]] inline Ipv6Scope ipv6_scope(const std::uint8_t* p) noexcept {
  if (p[0] != 0) [[likely]] return p[0] == 0xff ? Ipv6Scope::kMulticast : Ipv6Scope::kUnicast;
  const auto high = load_native<std::uint64_t>(p);
  const auto low = __builtin_bswap64(load_native<std::uint64_t>(p + 8));
  if (high != 0) return Ipv6Scope::kUnicast;
  if (low == 0) return Ipv6Scope::kUnspecified;
  if (low == 1) return Ipv6Scope::kLoopback;
  return low >> 32U == 0xffff ? Ipv6Scope::kV4Mapped : Ipv6Scope::kUnicast;
}

// Contract: parse() fails when 40 bytes are not there or the version is not 6.
// Afterwards header accessors stay inside them; payload() also needs length_fits().
class Ipv6View {
 public:
  [[nodiscard]] static std::optional<Ipv6View> parse(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() < kIpv6Header || bytes[0] >> 4U != 6) return std::nullopt;
    return Ipv6View(bytes);
  }
  [[nodiscard]] std::uint8_t traffic_class() const noexcept {
    return static_cast<std::uint8_t>(load_be16(p_) >> 4U);
  }
  [[nodiscard]] std::uint32_t flow_label() const noexcept { return load_be32(p_) & 0xfffffU; }
  [[nodiscard]] std::uint16_t payload_len() const noexcept { return load_be16(p_ + 4); }
  [[nodiscard]] std::uint8_t next_header() const noexcept { return p_[6]; }
  [[nodiscard]] std::uint8_t hop_limit() const noexcept { return p_[7]; }
  [[nodiscard]] const std::uint8_t* src_bytes() const noexcept { return p_ + 8; }
  [[nodiscard]] const std::uint8_t* dst_bytes() const noexcept { return p_ + 24; }
  [[nodiscard]] IpAddress src() const noexcept { return load_ipv6_address(p_ + 8); }
  [[nodiscard]] IpAddress dst() const noexcept { return load_ipv6_address(p_ + 24); }
  [[nodiscard]] bool length_fits() const noexcept { return kIpv6Header + payload_len() <= size_; }
  // Extension headers and all, up to the payload length; only when length_fits().
  [[nodiscard]] std::span<const std::uint8_t> payload() const noexcept { return {p_ + kIpv6Header, payload_len()}; }

 private:
  explicit Ipv6View(std::span<const std::uint8_t> bytes) noexcept : p_(bytes.data()), size_(bytes.size()) {}
  const std::uint8_t* p_;
  std::size_t size_;
};

struct Ipv6Header {
  IpAddress src, dst;
  std::uint16_t payload_len = 0;
  std::uint32_t flow_label = 0;  // 20 bits, constant per flow (RFC 6437)
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = kDefaultTtl;
  std::uint8_t next_header = kProtoTcp;

  // Writes 40 bytes and returns that.
  std::size_t write(std::uint8_t* out) const noexcept {
    store_be32(out, 6U << 28U | std::uint32_t{traffic_class} << 20U | (flow_label & 0xfffffU));
    store_be16(out + 4, payload_len);
    out[6] = next_header;
    out[7] = hop_limit;
    std::memcpy(out + 8, src.bytes.data(), 16);
    std::memcpy(out + 24, dst.bytes.data(), 16);
    return kIpv6Header;
  }
};

enum class Ipv6ChainResult : std::uint8_t {
  kUpperLayer,      // `next_header` at `offset` is no extension header
  kCutOff,          // a header does not fit, or hop-by-hop is not the first
  kTooMany,         // more than kMaxIpv6Extensions or kMaxIpv6Options
  kOptionUnknown,   // `problem_offset`, `action`
  kRoutingUnknown,  // segments left: `problem_offset` of its type field
  kFragment,        // a true fragment; `offset` is its header
  kNoNext,          // next header 59
};
// Offsets in bytes from the IPv6 header.
struct Ipv6Chain {
  Ipv6ChainResult result;
  std::uint8_t next_header;
  std::uint8_t action;           // RFC 8200 4.2: 1 drop, 2 and 3 answer with Parameter Problem
  std::uint16_t offset;
  std::uint16_t problem_offset;  // of the field that named `next_header`, or of the offending one
  bool fragmented;               // a fragment header was met
};
// Walks the extension headers of a view with length_fits(): skips hop-by-hop, destination
// options, routing without segments left, and atomic fragment headers (RFC 6946). Bounded;
// reads nothing outside the payload.
[[nodiscard]] Ipv6Chain walk_ipv6_extensions(const Ipv6View& ip) noexcept;
// The same for what follows a fragment header that named `next_header`: offsets count from bytes[0]. Another
// fragment header there is kTooMany.
[[nodiscard]] Ipv6Chain walk_ipv6_fragment(std::span<const std::uint8_t> bytes, std::uint8_t next_header) noexcept;

// Whether an ICMPv6 error or a redirect is in there, about which no error may be sent (RFC 4443 2.4 e): what the extension headers
// before it ask for is not looked at. For a view with length_fits(); a fragment other than the first is not told.
[[nodiscard]] bool carries_icmpv6_error(const Ipv6View& ip) noexcept;

}  // namespace sluice::wire
