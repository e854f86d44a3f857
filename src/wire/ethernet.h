// SPDX-License-Identifier: BSD-3-Clause
// Ethernet II with at most one 802.1Q tag. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/bytes.h"

namespace sluice::wire {

inline constexpr std::size_t kEthHeader = 14;
inline constexpr std::size_t kVlanTag = 4;
inline constexpr MacAddress kMacBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

enum EtherType : std::uint16_t {
  kEtherTypeIpv4 = 0x0800,
  kEtherTypeArp = 0x0806,
  kEtherTypeVlan = 0x8100,
  kEtherTypeIpv6 = 0x86dd,
};

// Contract: parse() fails only when the 14 bytes, or 18 with a tag, are not all
// there. Afterwards no accessor reads outside them. The frame outlives the view.
class EthernetView {
 public:
  [[nodiscard]] static std::optional<EthernetView> parse(std::span<const std::uint8_t> frame) noexcept {
    if (frame.size() < kEthHeader) return std::nullopt;
    EthernetView view(frame.data());
    if (view.tagged() && frame.size() < kEthHeader + kVlanTag) return std::nullopt;
    return view;
  }
  [[nodiscard]] const std::uint8_t* dst() const noexcept { return p_; }
  [[nodiscard]] const std::uint8_t* src() const noexcept { return p_ + 6; }
  // Broadcast or multicast.
  [[nodiscard]] bool dst_is_group() const noexcept { return (p_[0] & 1U) != 0; }
  [[nodiscard]] bool src_is_group() const noexcept { return (p_[6] & 1U) != 0; }
  [[nodiscard]] bool tagged() const noexcept { return load_be16(p_ + 12) == kEtherTypeVlan; }
  // 802.1Q tag control information; only when tagged().
  [[nodiscard]] std::uint16_t tci() const noexcept { return load_be16(p_ + 14); }
  // What follows the header; behind the tag if there is one.
  [[nodiscard]] std::uint16_t ether_type() const noexcept { return load_be16(p_ + header_len() - 2); }
  [[nodiscard]] std::size_t header_len() const noexcept { return tagged() ? kEthHeader + kVlanTag : kEthHeader; }

 private:
  explicit EthernetView(const std::uint8_t* p) noexcept : p_(p) {}
  const std::uint8_t* p_;
};

struct EthernetHeader {
  MacAddress dst{}, src{};
  std::uint16_t vlan = 0;  // 0: untagged
  std::uint16_t ether_type = 0;

  [[nodiscard]] std::size_t size() const noexcept { return vlan == 0 ? kEthHeader : kEthHeader + kVlanTag; }
  // Writes size() bytes and returns that.
  std::size_t write(std::uint8_t* out) const noexcept {
    std::memcpy(out, dst.data(), 6);
    std::memcpy(out + 6, src.data(), 6);
    if (vlan != 0) {
      store_be16(out + 12, kEtherTypeVlan);
      store_be16(out + 14, vlan);
    }
    const std::size_t n = size();
    store_be16(out + n - 2, ether_type);
    return n;
  }
};

}  // namespace sluice::wire
