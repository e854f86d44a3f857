// SPDX-License-Identifier: BSD-3-Clause
// Our side of the network: interfaces (one a port), their addresses and the way out.
// Built once at start, with places for addresses that come later; a shard's copy is its own.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/buf.h"
#include "sluice/config.h"
#include "wire/bytes.h"
#include "wire/frame_template.h"

namespace sluice::stack {

inline constexpr std::uint16_t kNoAddress = 0xffff;

// What a port offers, as far as building frames depends on it.
struct Offloads {
  bool tx_ip_csum = false;
  bool tx_tcp_csum = false;
  bool multi_segment = false;  // payload may stay in other buffers (Buf::fragments)
};

struct InterfaceConfig {
  std::string name;
  wire::MacAddress mac{};
  std::uint16_t mtu = 1500;   // bytes of IP packet
  std::uint16_t vlan = 0;     // 0: untagged
  std::vector<InterfaceAddress> addresses;
  std::vector<IpAddress> sources;  // of `addresses`, for connections that we open
  std::vector<IpAddress> gateways;
  std::vector<Route> routes;
  bool dad = true;            // IPv6 addresses are tried for duplicates at start (RFC 4862)
  bool router_advertisements = false;  // where `gateways` has no IPv6 one, routers make themselves known (RFC 4861)
  bool slaac = false;         // addresses of prefixes that routers advertise, beside `addresses` (RFC 4862)
  Offloads offloads;
};

// What autoconfiguration gives an interface (stack/slaac.h), as every shard has it: in whole words, for it is published.
struct alignas(std::uint64_t) Autoconfigured {
  static constexpr std::size_t kMostPrefixes = 8;                   // that make an address; and as many that are on-link
  static constexpr std::size_t kMostAddresses = kMostPrefixes + 1;  // and a link-local one
  static constexpr std::uint8_t kPrefixLen = 64;                    // of an address

  struct Address {
    IpAddress address;
    bool deprecated;  // RFC 4862 5.5.4: not for connections that we open, where there is another
    friend bool operator==(const Address&, const Address&) noexcept = default;
  };
  struct Prefix {
    IpAddress network;  // no bits behind its length
    std::uint8_t length;
    friend bool operator==(const Prefix&, const Prefix&) noexcept = default;
  };
  std::array<Address, kMostAddresses> addresses{};
  std::array<Prefix, kMostPrefixes> on_link{};
  std::uint8_t n_addresses = 0, n_on_link = 0;

  friend bool operator==(const Autoconfigured&, const Autoconfigured&) noexcept = default;
};

// Frames that wait for their port, in order. Whoever drives the stack empties it.
struct TxQueue {
  static constexpr std::size_t kCapacity = 256;
  std::array<Buf*, kCapacity> frames;
  std::size_t count = 0;
};

// What the frames of connections of one of our addresses have in common.
struct FrameOrigin {
  wire::FrameTemplate head;
  std::uint16_t tx_flags;     // BufFlag: what the device is to do
  bool gathers;               // payload may stay in other buffers

  FrameOrigin(const InterfaceConfig& interface, const IpAddress& address) noexcept
      : head(interface.mac, interface.vlan, address, !interface.offloads.tx_ip_csum),
        tx_flags(flags_of(interface.offloads, address.is_v4())), gathers(interface.offloads.multi_segment) {}

 private:
  [[nodiscard]] static std::uint16_t flags_of(const Offloads& offloads, bool v4) noexcept {
    unsigned flags = 0;
    if (offloads.tx_ip_csum && v4) flags |= kTxIpCsum;
    if (offloads.tx_tcp_csum) flags |= kTxTcpCsum;
    return static_cast<std::uint16_t>(flags);
  }
};

struct LocalAddress {
  IpAddress address;
  std::uint8_t prefix_len = 0;
  std::uint8_t interface = 0;
  std::uint16_t ways = 0;     // those of its interface and family
  FrameOrigin origin;
};

// The addresses of all interfaces, named by 16-bit indices, and the routes: on-link
// prefixes, static ones, and one gateway a family and interface.
class Addresses {
 public:
  explicit Addresses(const std::vector<InterfaceConfig>& interfaces);

  // Index of one of our addresses, or kNoAddress.
  [[nodiscard]] std::uint16_t find(const IpAddress& address) const noexcept {
    for (std::uint32_t slot = slot_of(address);; slot = (slot + 1) & mask_) {
      const std::uint16_t index = slots_[slot];
      if (index == kNoAddress || all_[index].address == address) return index;
    }
  }
  [[nodiscard]] const LocalAddress& operator[](std::uint16_t index) const noexcept { return all_[index]; }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  // Largest segment that the MTU lets us receive, indexed like addresses: MTU - 40 or - 60.
  [[nodiscard]] const std::uint16_t* mss() const noexcept { return mss_.data(); }

  // The next hop for `remote` from one of our addresses: itself on-link, else the gateway;
  // null when there is no way.
  [[nodiscard]] const IpAddress* next_hop(std::uint16_t local, const IpAddress& remote) const noexcept {
    return next_hop(all_[local], remote);
  }
  [[nodiscard, gnu::always_inline]] inline const IpAddress* next_hop(const LocalAddress& local, const IpAddress& remote) const noexcept {
    const Ways& ways = ways_[local.ways];
    if (holds_any(ways.on_link, remote)) return &remote;
    if (!ways.routes.empty()) [[unlikely]] {
      if (const Via* via = by_route(ways, remote)) return &via->router;
    }
    return ways.has_gateway ? &ways.gateway : nullptr;
  }
  // The address to open a connection to `remote` from: of its scope, where one is, and of the interface that knows most of the
  // way: on-link or by a route the longest prefix, then a gateway. kNoAddress when there is no way.
  [[nodiscard]] std::uint16_t source_for(const IpAddress& remote) const noexcept;
  // The addresses that connections take in turn which would be opened from `primary`; empty: that one alone.
  [[nodiscard]] std::span<const std::uint16_t> sources(std::uint16_t primary) const noexcept {
    const auto& [v4, v6] = sources_[all_[primary].interface];
    return all_[primary].address.is_v4() ? v4 : v6;
  }
  // 255.255.255.255, or the broadcast address of one of the prefixes.
  [[nodiscard]] bool is_broadcast(const IpAddress& address) const noexcept {
    // A prefix with a broadcast address has two bits left for it at least, all ones.
    return (address.bytes[15] & 3U) == 3 && is_listed_broadcast(address);
  }
  [[nodiscard]] bool on_link(std::uint8_t interface, const IpAddress& remote) const noexcept;
  // The IPv6 gateway of an interface that has none configured; null: none.
  void set_router(std::size_t interface, const IpAddress* router) noexcept {
    Ways& ways = ways_[ways_of(interface, false)];
    ways.has_gateway = router != nullptr;
    if (router != nullptr) ways.gateway = *router;
  }
  // Another station has this address, or it is no longer valid: find() knows it no longer.
  void disable(std::uint16_t index) noexcept;
  [[nodiscard]] bool disabled(std::uint16_t index) const noexcept { return disabled_[index]; }

  // --- autoconfigured addresses: places behind those of the configuration ---
  struct Places {
    std::uint16_t first, end;
  };
  [[nodiscard]] Places autoconfigured(std::size_t interface) const noexcept { return places_[interface]; }
  [[nodiscard]] bool is_autoconfigured(std::uint16_t index) const noexcept { return index >= configured_; }
  // A free place becomes that of `address`; kNoAddress: there is none.
  [[nodiscard]] std::uint16_t add(std::size_t index, const InterfaceConfig& interface, const IpAddress& address) noexcept;
  // The place of one that is disabled may be another's from now on.
  void release(std::uint16_t index) noexcept { all_[index].address = IpAddress{}; }
  [[nodiscard]] bool released(std::uint16_t index) const noexcept { return all_[index].address == IpAddress{}; }
  // How many of them find() knows.
  [[nodiscard]] std::size_t autoconfigured_now() const noexcept {
    return static_cast<std::size_t>(std::count(disabled_.begin() + configured_, disabled_.end(), false));
  }
  // source_for() takes it where it finds no other.
  void deprecate(std::uint16_t index, bool deprecated) noexcept { deprecated_[index] = deprecated; }
  // What is on-link beside the configured prefixes.
  void set_on_link(std::size_t interface, std::span<const Autoconfigured::Prefix> prefixes) noexcept;

 private:
  [[nodiscard]] std::uint32_t slot_of(const IpAddress& address) const noexcept;
  [[nodiscard, gnu::noinline]] bool is_listed_broadcast(const IpAddress& address) const noexcept;

  // Both halves of an address under its mask.
  struct Prefix {
    std::uint64_t bits[2], mask[2];
    std::uint16_t first;  // address that has it; kNoAddress: none of ours need have
    bool has_broadcast;

    [[nodiscard]] bool holds(const std::uint64_t* address) const noexcept {
      return (((address[0] ^ bits[0]) & mask[0]) | ((address[1] ^ bits[1]) & mask[1])) == 0;
    }
    [[nodiscard]] int length() const noexcept { return std::popcount(mask[0]) + std::popcount(mask[1]); }
  };
  struct Via {
    Prefix prefix;
    IpAddress router;
  };
  // Out of one interface, in one family.
  struct Ways {
    std::vector<Prefix> on_link;       // of all addresses, each once
    std::vector<Via> routes;           // the longest prefix first
    IpAddress gateway;
    bool has_gateway = false;
    std::size_t fixed_on_link = 0;     // of `on_link`: those that stay, first
  };
  [[nodiscard]] static std::size_t ways_of(std::size_t interface, bool v4) noexcept { return 2 * interface + (v4 ? 0 : 1); }
  [[nodiscard]] static bool holds_any(const std::vector<Prefix>& prefixes, const IpAddress& address) noexcept {
    std::uint64_t words[2];
    std::memcpy(words, address.bytes.data(), sizeof(words));
    for (const Prefix& prefix : prefixes) {
      if (prefix.holds(words)) return true;
    }
    return false;
  }
  [[nodiscard]] static const Via* by_route(const Ways& ways, const IpAddress& remote) noexcept;
  void fill_slots() noexcept;
  void add_prefix(const InterfaceAddress& address);
  void add_link_local(const std::vector<InterfaceConfig>& interfaces);
  void add_places(const std::vector<InterfaceConfig>& interfaces);
  void note_address(std::size_t index, const InterfaceConfig& interface, const InterfaceAddress& address);
  // How far these ways lead to `remote`, a route's bits counting twice and being on-link once more; negative: nowhere.
  struct Reach {
    int bits = -1;
    const Prefix* on_link = nullptr;  // that `remote` is in
  };
  [[nodiscard]] static Reach reach_of(const Ways& ways, const IpAddress& remote) noexcept;
  [[nodiscard]] bool may_be_source(std::size_t index, std::size_t ways, const IpAddress& remote, bool same_scope) const noexcept;
  [[nodiscard]] std::uint16_t source_from(std::size_t ways, const Prefix* on_link, const IpAddress& remote, bool same_scope) const noexcept;
  [[nodiscard]] std::uint16_t source_among(const IpAddress& remote, bool same_scope) const noexcept;
  void fill_sources(const std::vector<InterfaceConfig>& interfaces);
  [[nodiscard]] static Prefix prefix_of(const InterfaceAddress& address) noexcept;

  std::vector<LocalAddress> all_;
  std::vector<std::uint16_t> mss_;
  std::vector<Ways> ways_;             // by interface and family
  struct Sources {
    std::vector<std::uint16_t> v4, v6;
  };
  std::vector<Sources> sources_;       // by interface
  std::vector<bool> disabled_;         // by address
  std::vector<bool> deprecated_;       // by address
  std::vector<Places> places_;         // by interface
  std::uint16_t configured_ = 0;       // addresses that are not autoconfigured
  std::vector<std::uint16_t> slots_;   // open addressing, at most half full
  std::uint32_t mask_ = 0;
};

// True when the first `prefix_len` bits agree (counted within the family).
[[nodiscard]] bool same_prefix(const IpAddress& a, const IpAddress& b, std::uint8_t prefix_len) noexcept;

}  // namespace sluice::stack
