// SPDX-License-Identifier: BSD-3-Clause
// ARP for Ethernet and IPv4 (RFC 826). Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"

namespace sluice::wire {

inline constexpr std::size_t kArpMessage = 28;

enum ArpOperation : std::uint16_t { kArpRequest = 1, kArpReply = 2 };

// Contract: parse() fails when 28 bytes are not there or the message is not about Ethernet and
// IPv4 addresses. Afterwards no accessor reads outside them. The operation may be any.
class ArpView {
 public:
  [[nodiscard]] static std::optional<ArpView> parse(std::span<const std::uint8_t> bytes) noexcept {
    if (bytes.size() < kArpMessage) return std::nullopt;
    const std::uint8_t* p = bytes.data();
    if (load_be16(p) != 1 || load_be16(p + 2) != kEtherTypeIpv4 || p[4] != 6 || p[5] != 4) return std::nullopt;
    return ArpView(p);
  }
  [[nodiscard]] std::uint16_t operation() const noexcept { return load_be16(p_ + 6); }
  [[nodiscard]] MacAddress sender_mac() const noexcept { return load_native<MacAddress>(p_ + 8); }
  [[nodiscard]] IpAddress sender_ip() const noexcept { return load_ipv4_address(p_ + 14); }
  [[nodiscard]] MacAddress target_mac() const noexcept { return load_native<MacAddress>(p_ + 18); }
  [[nodiscard]] IpAddress target_ip() const noexcept { return load_ipv4_address(p_ + 24); }

 private:
  explicit ArpView(const std::uint8_t* p) noexcept : p_(p) {}
  const std::uint8_t* p_;
};

struct ArpMessage {
  ArpOperation operation = kArpRequest;
  MacAddress sender_mac{}, target_mac{};
  IpAddress sender_ip, target_ip;  // IPv4

  // Writes 28 bytes and returns that.
  std::size_t write(std::uint8_t* out) const noexcept {
    store_be16(out, 1);
    store_be16(out + 2, kEtherTypeIpv4);
    out[4] = 6;
    out[5] = 4;
    store_be16(out + 6, operation);
    std::memcpy(out + 8, sender_mac.data(), 6);
    std::memcpy(out + 14, sender_ip.bytes.data() + 12, 4);
    std::memcpy(out + 18, target_mac.data(), 6);
    std::memcpy(out + 24, target_ip.bytes.data() + 12, 4);
    return kArpMessage;
  }
};

}  // namespace sluice::wire
