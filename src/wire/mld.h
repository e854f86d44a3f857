// SPDX-License-Identifier: BSD-3-Clause
// Multicast listener discovery (RFC 2710, RFC 3810): queries that are heard, reports that are said. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/icmpv6.h"
#include "wire/ipv6.h"

namespace sluice::wire {

inline constexpr std::size_t kMldMessage = 24;         // a query or a report of version 1
inline constexpr std::size_t kMldQueryV2 = 28;         // without sources
inline constexpr std::size_t kMldRecord = 20;          // of a group, without sources
inline constexpr std::size_t kRouterAlertHeader = 8;   // a hop-by-hop header with nothing else
inline constexpr std::uint8_t kMldHopLimit = 1;

enum MldType : std::uint8_t { kMldQuery = 130, kMldReportV1 = 131, kMldReportV2 = 143 };
enum MldRecordType : std::uint8_t { kModeIsExclude = 2, kChangeToExclude = 4 };

// Contract: parse() fails when the type is another, the length is neither version's (RFC 3810 8.1), or the address is neither unspecified
// nor a group. Afterwards no accessor reads outside the bytes given. Hop limit, source and router alert are the caller's to check.
class MldQueryView {
 public:
  [[nodiscard]] static std::optional<MldQueryView> parse(std::span<const std::uint8_t> message) noexcept {
    if (message.size() != kMldMessage && message.size() < kMldQueryV2) return std::nullopt;
    const Ipv6Scope scope = ipv6_scope(&message[8]);
    const bool good = message[0] == kMldQuery && (scope == Ipv6Scope::kUnspecified || scope == Ipv6Scope::kMulticast);
    return good ? std::optional(MldQueryView(message)) : std::nullopt;
  }
  [[nodiscard]] bool is_v1() const noexcept { return message_.size() == kMldMessage; }
  // Unspecified: all groups are asked for.
  [[nodiscard]] IpAddress group() const noexcept { return load_ipv6_address(&message_[8]); }
  // Milliseconds, at most 8,387,584 (RFC 3810 5.1.3).
  [[nodiscard]] std::uint32_t max_response_ms() const noexcept {
    const std::uint32_t code = load_be16(&message_[4]);
    if (is_v1() || code < 0x8000U) return code;
    return ((code & 0xfffU) | 0x1000U) << ((code >> 12U & 7U) + 3U);
  }

 private:
  explicit MldQueryView(std::span<const std::uint8_t> message) noexcept : message_(message) {}
  std::span<const std::uint8_t> message_;
};

// Whether the packet's hop-by-hop header has the router alert of these messages (RFC 2711). `l3`: its headers, as they were parsed.
[[nodiscard]] inline bool has_router_alert(std::span<const std::uint8_t> l3) noexcept {
  if (l3.size() < kIpv6Header + kRouterAlertHeader || l3[6] != kProtoHopByHop) return false;
  const std::size_t end = kIpv6Header + (l3[kIpv6Header + 1] + 1U) * 8U;
  if (end > l3.size()) return false;
  for (std::size_t i = kIpv6Header + 2; i + 1 < end; i += l3[i] == 0 ? 1U : 2U + l3[i + 1]) {
    if (l3[i] == 5 && l3[i + 1] == 2 && i + 4 <= end && load_be16(&l3[i + 2]) == 0) return true;
  }
  return false;
}
// Writes such a header before ICMPv6; returns its length.
inline std::size_t write_router_alert(std::uint8_t* out) noexcept {
  static constexpr std::array<std::uint8_t, kRouterAlertHeader> kHeader{kProtoIcmpv6, 0, 5, 2, 0, 0, 1, 0};
  std::memcpy(out, kHeader.data(), kHeader.size());
  return kHeader.size();
}

// Version 2: that these groups are listened to, whoever sends to them.
struct MldReport {
  MldRecordType type = kModeIsExclude;
  std::span<const IpAddress> groups;

  [[nodiscard]] std::uint16_t size() const noexcept { return static_cast<std::uint16_t>(kIcmpHeader + groups.size() * kMldRecord); }
  // Writes size() bytes and returns that.
  std::size_t write(std::uint8_t* out, const IpAddress& src, const IpAddress& dst) const noexcept {
    std::uint8_t* record = out + kIcmpHeader;
    for (const IpAddress& group : groups) {
      store_be32(record, std::uint32_t{type} << 24U);
      std::memcpy(record + 4, group.bytes.data(), 16);
      record += kMldRecord;
    }
    Icmpv6Header{kMldReportV2, 0, static_cast<std::uint32_t>(groups.size())}.write(out, size() - kIcmpHeader, src, dst);
    return size();
  }
};

// Version 1, sent to the group itself.
struct MldReportOfGroup {
  [[nodiscard]] static constexpr std::uint16_t size() noexcept { return kMldMessage; }
  std::size_t write(std::uint8_t* out, const IpAddress& src, const IpAddress& group) const noexcept {
    std::memcpy(out + kIcmpHeader, group.bytes.data(), 16);
    Icmpv6Header{kMldReportV1, 0, 0}.write(out, kMldMessage - kIcmpHeader, src, group);
    return kMldMessage;
  }
};

}  // namespace sluice::wire
