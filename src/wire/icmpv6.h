// SPDX-License-Identifier: BSD-3-Clause
// ICMPv6 (RFC 4443): echo and errors, and of RFC 4861 neighbour solicitations and advertisements with their
// link-layer address options, router advertisements as far as they name a router and prefixes, and router solicitations. Any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmpv4.h"
#include "wire/ipv6.h"

namespace sluice::wire {

inline constexpr std::size_t kNdMessage = 24;           // solicitation or advertisement without options
inline constexpr std::size_t kNdLinkLayerOption = 8;    // for Ethernet
inline constexpr std::size_t kNdPrefixOption = 32;
inline constexpr std::size_t kRouterAdvertisement = 16;  // without options
inline constexpr std::uint8_t kNdHopLimit = 255;

enum Icmpv6Type : std::uint8_t {
  kIcmpv6Unreachable = 1,
  kIcmpv6PacketTooBig = 2,
  kIcmpv6TimeExceeded = 3,
  kIcmpv6ParameterProblem = 4,
  kIcmpv6EchoRequest = 128,
  kIcmpv6EchoReply = 129,
  kIcmpv6RouterSolicitation = 133,
  kIcmpv6RouterAdvertisement = 134,
  kIcmpv6NeighborSolicitation = 135,
  kIcmpv6NeighborAdvertisement = 136,
};
enum Icmpv6UnreachableCode : std::uint8_t {
  kIcmpv6NoRoute = 0,
  kIcmpv6AdminProhibited = 1,
  kIcmpv6BeyondScope = 2,
  kIcmpv6Address = 3,
  kIcmpv6Port = 4,
};
enum Icmpv6ParameterCode : std::uint8_t {
  kIcmpv6ErroneousField = 0,
  kIcmpv6UnknownNextHeader = 1,
  kIcmpv6UnknownOption = 2,
};

// Contract: parse() fails when 8 bytes are not there. Afterwards no accessor reads outside
// the bytes given. Says nothing about the checksum, which needs the addresses too.
class Icmpv6View {
 public:
  [[nodiscard]] static std::optional<Icmpv6View> parse(std::span<const std::uint8_t> message) noexcept {
    if (message.size() < kIcmpHeader) return std::nullopt;
    return Icmpv6View(message);
  }
  [[nodiscard]] std::uint8_t type() const noexcept { return message_[0]; }
  [[nodiscard]] std::uint8_t code() const noexcept { return message_[1]; }
  [[nodiscard]] bool is_error() const noexcept { return type() < 128; }
  // Echo.
  [[nodiscard]] std::uint16_t id() const noexcept { return load_be16(&message_[4]); }
  [[nodiscard]] std::uint16_t sequence() const noexcept { return load_be16(&message_[6]); }
  // Packet Too Big.
  [[nodiscard]] std::uint32_t mtu() const noexcept { return load_be32(&message_[4]); }
  // Parameter Problem.
  [[nodiscard]] std::uint32_t pointer() const noexcept { return load_be32(&message_[4]); }
  // Echo data, or the packet that an error is about, perhaps cut off.
  [[nodiscard]] std::span<const std::uint8_t> body() const noexcept { return message_.subspan(kIcmpHeader); }

 private:
  explicit Icmpv6View(std::span<const std::uint8_t> message) noexcept : message_(message) {}
  std::span<const std::uint8_t> message_;
};

// Link-layer address options for Ethernet, null when absent. read() fails when an option has length 0 or does not fit.
struct NdOptions {
  const std::uint8_t* source_mac = nullptr;
  const std::uint8_t* target_mac = nullptr;

  [[nodiscard]] bool read(std::span<const std::uint8_t> rest) noexcept {
    while (!rest.empty()) {
      if (rest.size() < 8 || rest[1] == 0) return false;
      const std::size_t len = rest[1] * 8U;
      if (len > rest.size()) return false;
      if (len == kNdLinkLayerOption && rest[0] == 1) source_mac = rest.data() + 2;
      if (len == kNdLinkLayerOption && rest[0] == 2) target_mac = rest.data() + 2;
      rest = rest.subspan(len);
    }
    return true;
  }
};

// A neighbour solicitation or advertisement. Contract: parse() fails when the type is another, the
// code is not 0, 24 bytes are not there, the target is no unicast address, or an option has length 0 or
// does not fit (RFC 4861 7.1); the hop limit of 255 and the source are the caller's to check.
// Afterwards no accessor reads outside the bytes given.
class NeighborView {
 public:
  [[nodiscard]] static std::optional<NeighborView> parse(std::span<const std::uint8_t> message) noexcept {
    // A mapped target would pass for an IPv4 address, whose neighbours are ARP's business.
    if (message.size() < kNdMessage || message[1] != 0 || ipv6_scope(&message[8]) != Ipv6Scope::kUnicast) return std::nullopt;
    if (message[0] != kIcmpv6NeighborSolicitation && message[0] != kIcmpv6NeighborAdvertisement) return std::nullopt;
    NeighborView view(message.data());
    if (!view.options_.read(message.subspan(kNdMessage))) return std::nullopt;
    return view;
  }
  [[nodiscard]] bool is_solicitation() const noexcept { return p_[0] == kIcmpv6NeighborSolicitation; }
  [[nodiscard]] IpAddress target() const noexcept { return load_ipv6_address(p_ + 8); }
  // Advertisements.
  [[nodiscard]] bool router() const noexcept { return (p_[4] & 0x80U) != 0; }
  [[nodiscard]] bool solicited() const noexcept { return (p_[4] & 0x40U) != 0; }
  [[nodiscard]] bool override_flag() const noexcept { return (p_[4] & 0x20U) != 0; }
  // The source and target link-layer address options; null when absent.
  [[nodiscard]] const std::uint8_t* source_mac() const noexcept { return options_.source_mac; }
  [[nodiscard]] const std::uint8_t* target_mac() const noexcept { return options_.target_mac; }

 private:
  explicit NeighborView(const std::uint8_t* p) noexcept : p_(p) {}
  const std::uint8_t* p_;
  NdOptions options_;
};

// A prefix information option (RFC 4861 4.6.2).
struct PrefixInformation {
  static constexpr std::uint32_t kForever = 0xffffffff;  // seconds that do not end

  IpAddress prefix;         // with whatever stands behind its length
  std::uint8_t length = 0;  // perhaps more than 128
  bool on_link = false, autonomous = false;
  std::uint32_t valid_s = 0, preferred_s = 0;
};

// A router advertisement. Contract: parse() fails when the type is another, the code is not 0, 16 bytes are not there, or
// an option has length 0 or does not fit (RFC 4861 6.1.2); the hop limit of 255 and the source are the caller's to check.
// Afterwards no accessor reads outside the bytes given.
class RouterView {
 public:
  [[nodiscard]] static std::optional<RouterView> parse(std::span<const std::uint8_t> message) noexcept {
    if (message.size() < kRouterAdvertisement || message[0] != kIcmpv6RouterAdvertisement || message[1] != 0) return std::nullopt;
    RouterView view(message);
    if (!view.options_.read(view.rest_)) return std::nullopt;
    return view;
  }
  // Seconds for which it is a default router; 0: it is none.
  [[nodiscard]] std::uint16_t lifetime_s() const noexcept { return load_be16(p_ + 6); }
  // 1: high, 0: medium, -1: low (RFC 4191 2.1; the reserved value counts as medium).
  [[nodiscard]] int preference() const noexcept {
    const unsigned bits = p_[5] >> 3U & 3U;
    return bits == 1 ? 1 : bits == 3 ? -1 : 0;
  }
  [[nodiscard]] const std::uint8_t* source_mac() const noexcept { return options_.source_mac; }
  // Calls each(PrefixInformation) for every such option, in order; one of another size is none.
  template <typename Each>
  void for_each_prefix(Each&& each) const noexcept {
    for (std::span<const std::uint8_t> rest = rest_; !rest.empty(); rest = rest.subspan(rest[1] * 8U)) {
      const std::uint8_t* p = rest.data();
      if (p[0] != 3 || p[1] * 8U != kNdPrefixOption) continue;
      each(PrefixInformation{.prefix = load_ipv6_address(p + 16), .length = p[2], .on_link = (p[3] & 0x80U) != 0,
                             .autonomous = (p[3] & 0x40U) != 0, .valid_s = load_be32(p + 4), .preferred_s = load_be32(p + 8)});
    }
  }

 private:
  explicit RouterView(std::span<const std::uint8_t> message) noexcept
      : p_(message.data()), rest_(message.subspan(kRouterAdvertisement)) {}
  const std::uint8_t* p_;
  std::span<const std::uint8_t> rest_;  // options, each whole
  NdOptions options_;
};

struct Icmpv6Header {
  std::uint8_t type = kIcmpv6EchoReply;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // bytes 4-7: id and sequence, MTU, or pointer

  [[nodiscard]] static constexpr Icmpv6Header echo_reply(std::uint16_t id, std::uint16_t sequence) noexcept {
    return {kIcmpv6EchoReply, 0, std::uint32_t{id} << 16U | sequence};
  }
  [[nodiscard]] static constexpr Icmpv6Header unreachable(std::uint8_t code) noexcept {
    return {kIcmpv6Unreachable, code, 0};
  }
  [[nodiscard]] static constexpr Icmpv6Header packet_too_big(std::uint32_t mtu) noexcept {
    return {kIcmpv6PacketTooBig, 0, mtu};
  }
  [[nodiscard]] static constexpr Icmpv6Header parameter_problem(std::uint8_t code, std::uint32_t pointer) noexcept {
    return {kIcmpv6ParameterProblem, code, pointer};
  }
  // Writes 8 bytes before a body of `body_len` bytes that is already in place at out + 8, with
  // the checksum over both and the pseudo-header. Returns 8.
  std::size_t write(std::uint8_t* out, std::size_t body_len, const IpAddress& src,
                    const IpAddress& dst) const noexcept {
    out[0] = type;
    out[1] = code;
    store_native16(out + 2, 0);
    store_be32(out + 4, rest);
    const std::size_t len = kIcmpHeader + body_len;
    store_checksum(out + 2, sum_bytes(out, len) + pseudo_sum_v6(src.bytes.data(), dst.bytes.data(), kProtoIcmpv6,
                                                                static_cast<std::uint32_t>(len)));
    return kIcmpHeader;
  }
};

// A solicitation with our address as source link-layer option, or an advertisement with it as
// target link-layer option.
struct NeighborMessage {
  bool solicitation = true;
  bool solicited = false;  // advertisement: answers a solicitation
  bool override_flag = false;
  IpAddress target;
  MacAddress mac{};
  bool with_mac = true;    // false: without the option, as the unspecified source must be

  static constexpr std::size_t kSize = kNdMessage + kNdLinkLayerOption;
  [[nodiscard]] std::uint16_t size() const noexcept {
    return static_cast<std::uint16_t>(with_mac ? kSize : kNdMessage);
  }
  // Writes size() bytes and returns that.
  std::size_t write(std::uint8_t* out, const IpAddress& src, const IpAddress& dst) const noexcept {
    std::memcpy(out + 8, target.bytes.data(), 16);
    if (with_mac) {
      out[24] = solicitation ? 1 : 2;
      out[25] = 1;
      std::memcpy(out + 26, mac.data(), 6);
    }
    const std::uint32_t flags = solicitation ? 0 : (solicited ? 0x40000000U : 0U) | (override_flag ? 0x20000000U : 0U);
    const Icmpv6Header header{solicitation ? kIcmpv6NeighborSolicitation : kIcmpv6NeighborAdvertisement, 0, flags};
    header.write(out, size() - kIcmpHeader, src, dst);
    return size();
  }
};

// With our address as source link-layer option.
struct RouterSolicitation {
  MacAddress mac{};

  static constexpr std::uint16_t kSize = kIcmpHeader + kNdLinkLayerOption;
  [[nodiscard]] static constexpr std::uint16_t size() noexcept { return kSize; }
  // Writes size() bytes and returns that.
  std::size_t write(std::uint8_t* out, const IpAddress& src, const IpAddress& dst) const noexcept {
    out[8] = 1;
    out[9] = 1;
    std::memcpy(out + 10, mac.data(), 6);
    Icmpv6Header{kIcmpv6RouterSolicitation, 0, 0}.write(out, kNdLinkLayerOption, src, dst);
    return kSize;
  }
};

// ff02::1:ffXX:XXXX for a solicitation of `target`, and its Ethernet address 33:33:ff:XX:XX:XX.
[[nodiscard]] inline IpAddress solicited_node(const IpAddress& target) noexcept {
  IpAddress a{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff, 0, 0, 0}};
  std::memcpy(a.bytes.data() + 13, target.bytes.data() + 13, 3);
  return a;
}
[[nodiscard]] inline MacAddress ipv6_multicast_mac(const IpAddress& group) noexcept {
  MacAddress mac{0x33, 0x33, 0, 0, 0, 0};
  std::memcpy(mac.data() + 2, group.bytes.data() + 12, 4);
  return mac;
}

}  // namespace sluice::wire
