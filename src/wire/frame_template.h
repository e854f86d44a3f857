// SPDX-License-Identifier: BSD-3-Clause
// What all TCP segments from one of our addresses have in common before the TCP header,
// written and summed once: a frame then takes a copy of it and the few words that differ.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/tcp.h"

namespace sluice::wire {

class FrameTemplate {
 public:
  // What differs.
  struct Fields {
    std::uint16_t payload_len = 0;  // bytes behind the IP header
    std::uint16_t ip_id = 0;        // IPv4
    std::uint32_t flow_label = 0;   // IPv6
    std::uint8_t ttl = kDefaultTtl;
    std::uint8_t tos = 0;
  };

  // `vlan` and `ip_checksum` as in FrameHead.
  FrameTemplate(const MacAddress& src_mac, std::uint16_t vlan, const IpAddress& src, bool ip_checksum) noexcept
      : l2_len_(static_cast<std::uint16_t>(l2_size(vlan))), l3_len_(static_cast<std::uint16_t>(l3_size(src.is_v4()))),
        v4_(src.is_v4()), ip_checksum_(ip_checksum) {
    const FrameHead head{.dst_mac = src_mac.data(), .src_mac = src_mac.data(), .src = &src, .dst = &src, .vlan = vlan,
                         .ip_checksum = false};
    write_frame_head(bytes_.data(), head, 0);
    src_sum_ = pseudo_sum(src, v4_ ? IpAddress::v4(0, 0, 0, 0) : IpAddress{}, 0, 0);
  }

  [[nodiscard]] bool is_v4() const noexcept { return v4_; }
  [[nodiscard]] std::uint16_t l2_len() const noexcept { return l2_len_; }
  [[nodiscard]] std::uint16_t l3_len() const noexcept { return l3_len_; }

  // Writes the head of a frame to `dst`, of our address's family, as write_frame_head() would, with our own MAC
  // address where the next hop's belongs; the TCP header behind it is to be written afterwards, for its first bytes may
  // be touched. Returns the pseudo-header's sum. `kV4`: is_v4(), asked once by who writes all of the frame.
  template <bool kV4>
  [[gnu::always_inline]] inline CsumSum write(std::uint8_t* out, const IpAddress& dst, const Fields& fields) const noexcept {
    std::memcpy(out, bytes_.data(), kCopied);
    if constexpr (kV4) {
      return finish_v4(out + l2_len_, dst, fields);
    } else {
      return finish_v6(out + l2_len_, dst, fields);
    }
  }

 private:
  [[gnu::always_inline]] inline CsumSum finish_v4(std::uint8_t* ip, const IpAddress& dst, const Fields& fields) const noexcept {
    // In memory order from the start: only numbers of two bytes are to be turned round.
    const std::uint32_t total = __builtin_bswap16(static_cast<std::uint16_t>(fields.payload_len + kIpv4Header));
    const std::uint32_t w0 = total << 16U | std::uint32_t{fields.tos} << 8U | 0x45U;
    const std::uint32_t w1 = 0x40U << 16U | std::uint32_t{__builtin_bswap16(fields.ip_id)};  // DF
    std::uint32_t w2 = std::uint32_t{kProtoTcp} << 8U | fields.ttl;
    const auto w4 = load_native<std::uint32_t>(dst.bytes.data() + 12);
    const CsumSum addresses = src_sum_ + w4;
    if (ip_checksum_) w2 |= std::uint32_t{static_cast<std::uint16_t>(~fold(addresses + w0 + w1 + w2))} << 16U;
    store_native(ip, std::uint64_t{w1} << 32U | w0);
    store_native(ip + 8, w2);
    store_native(ip + 16, w4);
    return addresses + (std::uint64_t{kProtoTcp} << 8U) + __builtin_bswap16(fields.payload_len);
  }
  [[gnu::always_inline]] inline CsumSum finish_v6(std::uint8_t* ip, const IpAddress& dst, const Fields& fields) const noexcept {
    store_be32(ip, 6U << 28U | std::uint32_t{fields.tos} << 20U | (fields.flow_label & 0xfffffU));
    store_be16(ip + 4, fields.payload_len);
    ip[7] = fields.ttl;
    std::memcpy(ip + 24, dst.bytes.data(), dst.bytes.size());
    return src_sum_ + sum_fixed<16>(dst.bytes.data()) + (std::uint64_t{kProtoTcp} << 8U) +
           __builtin_bswap32(std::uint32_t{fields.payload_len});
  }

  // All but the destination address, which comes last; so many bytes at any length of the head, because that is two moves.
  static constexpr std::size_t kCopied = 48;
  static constexpr std::size_t kLongest = kEthHeader + kVlanTag + kIpv6Header;
  static_assert(kCopied >= kLongest - sizeof(IpAddress) && kCopied <= kEthHeader + kIpv4Header + kTcpHeader);

  std::array<std::uint8_t, 64> bytes_{};
  static_assert(sizeof(bytes_) >= kLongest);
  CsumSum src_sum_ = 0;
  std::uint16_t l2_len_, l3_len_;
  bool v4_;
  bool ip_checksum_;
};

}  // namespace sluice::wire
