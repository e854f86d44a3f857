// SPDX-License-Identifier: BSD-3-Clause
// The IPv4 header (RFC 791). Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

namespace sluice::wire {

inline constexpr std::size_t kIpv4Header = 20;
inline constexpr std::uint8_t kDefaultTtl = 64;

enum IpProtocol : std::uint8_t {
  kProtoHopByHop = 0,
  kProtoIcmpv4 = 1,
  kProtoTcp = 6,
  kProtoRouting = 43,
  kProtoFragment = 44,
  kProtoIcmpv6 = 58,
  kProtoNone = 59,
  kProtoDestinationOptions = 60,
};

// TOS and traffic class: the DSCP (RFC 2474 3) above the ECN field (RFC 3168 5).
inline constexpr unsigned kDscpShift = 2;
inline constexpr std::uint8_t kEcnMask = 3;
inline constexpr std::uint8_t kEcnEct0 = 2;
inline constexpr std::uint8_t kEcnCe = 3;

enum class Ipv4OptionsResult : std::uint8_t { kFine, kSourceRoute, kMalformed };

[[nodiscard]] inline IpAddress load_ipv4_address(const std::uint8_t* p) noexcept {
  IpAddress a;
  store_native(a.bytes.data(), std::uint64_t{0});
  store_native(a.bytes.data() + 8, std::uint64_t{load_native<std::uint32_t>(p)} << 32U | 0xffff0000U);
  return a;
}
// Sources that no unicast packet from elsewhere has: 0/8, 127/8, 224/4, 240/4 with the
// limited broadcast (RFC 1122 3.2.1.3).
[[nodiscard]] constexpr bool ipv4_source_is_martian(std::uint8_t first_byte) noexcept {
  return static_cast<std::uint8_t>(first_byte - 1) >= 223 || first_byte == 127;  // 0 wraps around
}

// Contract: parse() fails when 20 bytes are not there, the version is not 4, or the
// header length is below 20 or beyond the bytes given. Afterwards header accessors
// stay inside them; payload() also needs length_fits().
class Ipv4View {
 public:
  [[nodiscard]] static std::optional<Ipv4View> parse(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() < kIpv4Header) return std::nullopt;
    const std::uint8_t* p = bytes.data();
    // Unsigned wrap makes one comparison of "version 4 and IHL at least 5".
    if (static_cast<std::uint8_t>(p[0] - 0x45U) > 0x0aU) return std::nullopt;
    const Ipv4View view(bytes);
    if (view.header_len() > bytes.size()) return std::nullopt;
    return view;
  }
  [[nodiscard]] std::size_t header_len() const noexcept { return (p_[0] & 0x0fU) * 4U; }
  [[nodiscard]] std::uint8_t tos() const noexcept { return p_[1]; }
  [[nodiscard]] std::uint16_t total_len() const noexcept { return load_be16(p_ + 2); }
  [[nodiscard]] std::uint16_t id() const noexcept { return load_be16(p_ + 4); }
  [[nodiscard]] bool dont_fragment() const noexcept { return (p_[6] & 0x40U) != 0; }
  [[nodiscard]] bool more_fragments() const noexcept { return (p_[6] & 0x20U) != 0; }
  [[nodiscard]] std::uint32_t fragment_offset() const noexcept { return (load_be16(p_ + 6) & 0x1fffU) * 8U; }
  [[nodiscard]] bool is_fragment() const noexcept { return (load_be16(p_ + 6) & 0x3fffU) != 0; }
  [[nodiscard]] std::uint8_t ttl() const noexcept { return p_[8]; }
  [[nodiscard]] std::uint8_t protocol() const noexcept { return p_[9]; }
  [[nodiscard]] const std::uint8_t* src_bytes() const noexcept { return p_ + 12; }
  [[nodiscard]] const std::uint8_t* dst_bytes() const noexcept { return p_ + 16; }
  [[nodiscard]] IpAddress src() const noexcept { return load_ipv4_address(p_ + 12); }
  [[nodiscard]] IpAddress dst() const noexcept { return load_ipv4_address(p_ + 16); }
  [[nodiscard]] std::span<const std::uint8_t> options() const noexcept {
    return {p_ + kIpv4Header, header_len() - kIpv4Header};
  }
  // The total length covers the header and lies inside the bytes given.
  [[nodiscard]] bool length_fits() const noexcept { return total_len() >= header_len() && total_len() <= size_; }
  // Behind the header up to the total length; only when length_fits().
  [[nodiscard]] std::span<const std::uint8_t> payload() const noexcept {
    return {p_ + header_len(), total_len() - header_len()};
  }
  [[nodiscard]] bool header_checksum_good() const noexcept {
    CsumSum sum = sum_fixed<kIpv4Header>(p_);
    if (header_len() != kIpv4Header) [[unlikely]] sum += sum_bytes(options());
    return checksum_good(sum);
  }
  // Options are skipped, except that a source route is refused and that their lengths
  // must add up.
  [[nodiscard]] Ipv4OptionsResult check_options() const noexcept {
    const auto bytes = options();
    for (std::size_t i = 0; i < bytes.size();) {
      const std::uint8_t kind = bytes[i];
      if (kind == 0) break;
      if (kind == 1) {
        ++i;
        continue;
      }
      if (kind == 131 || kind == 137) return Ipv4OptionsResult::kSourceRoute;
      if (i + 1 == bytes.size() || bytes[i + 1] < 2 || bytes[i + 1] > bytes.size() - i) {
        return Ipv4OptionsResult::kMalformed;
      }
      i += bytes[i + 1];
    }
    return Ipv4OptionsResult::kFine;
  }

 private:
  explicit Ipv4View(std::span<const std::uint8_t> bytes) noexcept : p_(bytes.data()), size_(bytes.size()) {}
  const std::uint8_t* p_;
  std::size_t size_;
};

// Without options. src and dst are IPv4 addresses.
struct Ipv4Header {
  IpAddress src, dst;
  std::uint16_t payload_len = 0;
  std::uint16_t id = 0;
  bool dont_fragment = true;
  std::uint8_t tos = 0;
  std::uint8_t ttl = kDefaultTtl;
  std::uint8_t protocol = kProtoTcp;

  // Writes 20 bytes and returns that; the checksum is left 0 when a device will fill it in.
  std::size_t write(std::uint8_t* out, bool checksum = true) const noexcept {
    // In registers first: reading back what was just written in other sizes stalls.
    const std::uint32_t length = std::uint32_t{tos} << 16U | static_cast<std::uint16_t>(payload_len + kIpv4Header);
    const std::uint32_t w0 = __builtin_bswap32(0x45000000U | length);
    const std::uint32_t w1 = __builtin_bswap32(std::uint32_t{id} << 16U | (dont_fragment ? 0x4000U : 0U));
    std::uint32_t w2 = __builtin_bswap32(std::uint32_t{ttl} << 24U | std::uint32_t{protocol} << 16U);
    const auto w3 = load_native<std::uint32_t>(src.bytes.data() + 12);
    const auto w4 = load_native<std::uint32_t>(dst.bytes.data() + 12);
    if (checksum) w2 |= std::uint32_t{static_cast<std::uint16_t>(~fold(CsumSum{w0} + w1 + w2 + w3 + w4))} << 16U;
    store_native(out, std::uint64_t{w1} << 32U | w0);
    store_native(out + 8, std::uint64_t{w3} << 32U | w2);
    store_native(out + 16, w4);
    return kIpv4Header;
  }
};

}  // namespace sluice::wire
