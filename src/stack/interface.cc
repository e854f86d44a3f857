// SPDX-License-Identifier: BSD-3-Clause
#include "stack/interface.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "stack/address_hash.h"

namespace sluice::stack {

bool same_prefix(const IpAddress& a, const IpAddress& b, std::uint8_t prefix_len) noexcept {
  if (a.is_v4() != b.is_v4()) return false;
  const unsigned first = a.is_v4() ? 12 : 0;
  const unsigned whole = prefix_len / 8U;
  if (std::memcmp(a.bytes.data() + first, b.bytes.data() + first, whole) != 0) return false;
  const unsigned rest = prefix_len % 8U;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return ((a.bytes[first + whole] ^ b.bytes[first + whole]) & mask) == 0;
}

Addresses::Prefix Addresses::prefix_of(const InterfaceAddress& address) noexcept {
  Prefix prefix{};
  prefix.has_broadcast = address.address.is_v4() && address.prefix_len < 31;  // RFC 3021
  std::array<std::uint8_t, 16> mask{};
  const unsigned bits = address.prefix_len + (address.address.is_v4() ? 96U : 0U);
  for (unsigned i = 0; i < bits; ++i) mask[i / 8] = static_cast<std::uint8_t>(mask[i / 8] | 0x80U >> i % 8);
  std::memcpy(prefix.bits, address.address.bytes.data(), sizeof(prefix.bits));
  std::memcpy(prefix.mask, mask.data(), sizeof(prefix.mask));
  return prefix;
}

// A thousand addresses of one network are one prefix to look at.
void Addresses::add_prefix(const InterfaceAddress& address) {
  Prefix fresh = prefix_of(address);
  fresh.first = static_cast<std::uint16_t>(all_.size() - 1);
  std::vector<Prefix>& on_link = ways_[all_.back().ways].on_link;
  for (const Prefix& known : on_link) {
    const bool same_mask = known.mask[0] == fresh.mask[0] && known.mask[1] == fresh.mask[1];
    if (same_mask && known.holds(fresh.bits)) return;
  }
  on_link.push_back(fresh);
}

// RFC 4861 5.1: on-link wherever IPv6 is, whatever our own addresses are.
void Addresses::add_link_local(const std::vector<InterfaceConfig>& interfaces) {
  const auto is_v6 = [](const InterfaceAddress& a) { return !a.address.is_v4(); };
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    if (!interfaces[i].slaac && std::none_of(interfaces[i].addresses.begin(), interfaces[i].addresses.end(), is_v6)) continue;
    Prefix prefix = prefix_of({{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, 10});
    prefix.first = kNoAddress;
    Ways& ways = ways_[ways_of(i, false)];
    ways.on_link.push_back(prefix);
    ways.fixed_on_link = ways.on_link.size();
    if (interfaces[i].slaac) ways.on_link.reserve(ways.fixed_on_link + Autoconfigured::kMostPrefixes);
  }
}

void Addresses::fill_sources(const std::vector<InterfaceConfig>& interfaces) {
  sources_.resize(interfaces.size());
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    for (const IpAddress& source : interfaces[i].sources) {
      const std::uint16_t index = find(source);
      CHECK(index != kNoAddress && all_[index].interface == i);  // the configuration was checked
      (source.is_v4() ? sources_[i].v4 : sources_[i].v6).push_back(index);
    }
  }
}

void Addresses::note_address(std::size_t index, const InterfaceConfig& interface, const InterfaceAddress& address) {
  const bool v4 = address.address.is_v4();
  all_.push_back({address.address, address.prefix_len, static_cast<std::uint8_t>(index), static_cast<std::uint16_t>(ways_of(index, v4)),
                  FrameOrigin(interface, address.address)});
  mss_.push_back(static_cast<std::uint16_t>(interface.mtu - (v4 ? 40 : 60)));
}

// All that will ever be needed: no address that comes later takes memory, or moves others.
void Addresses::add_places(const std::vector<InterfaceConfig>& interfaces) {
  configured_ = static_cast<std::uint16_t>(all_.size());
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    const auto first = static_cast<std::uint16_t>(all_.size());
    for (std::size_t n = 0; interfaces[i].slaac && n < Autoconfigured::kMostAddresses; ++n) {
      note_address(i, interfaces[i], {IpAddress{}, Autoconfigured::kPrefixLen});
      // The network of the link-local one, as if it were configured.
      if (n == 0) add_prefix({{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, Autoconfigured::kPrefixLen});
    }
    places_.push_back({first, static_cast<std::uint16_t>(all_.size())});
  }
  disabled_.assign(all_.size(), false);
  std::fill(disabled_.begin() + configured_, disabled_.end(), true);
  deprecated_.assign(all_.size(), false);
}

Addresses::Addresses(const std::vector<InterfaceConfig>& interfaces) : ways_(2 * interfaces.size()) {
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    for (const InterfaceAddress& a : interfaces[i].addresses) {
      note_address(i, interfaces[i], a);
      add_prefix(a);
    }
    for (const IpAddress& gateway : interfaces[i].gateways) {
      Ways& ways = ways_[ways_of(i, gateway.is_v4())];
      ways.gateway = gateway;
      ways.has_gateway = true;
    }
    for (const Route& route : interfaces[i].routes) {
      ways_[ways_of(i, route.to.address.is_v4())].routes.push_back({prefix_of(route.to), route.via});
    }
  }
  for (Ways& ways : ways_) {
    std::stable_sort(ways.routes.begin(), ways.routes.end(),
                     [](const Via& a, const Via& b) { return a.prefix.length() > b.prefix.length(); });
  }
  add_places(interfaces);
  add_link_local(interfaces);
  std::uint32_t slots = 8;
  while (slots < 2 * all_.size()) slots *= 2;
  mask_ = slots - 1;
  slots_.assign(slots, kNoAddress);
  fill_slots();
  fill_sources(interfaces);
}

void Addresses::disable(std::uint16_t index) noexcept {
  disabled_[index] = true;
  fill_slots();
}

std::uint16_t Addresses::add(std::size_t index, const InterfaceConfig& interface, const IpAddress& address) noexcept {
  const Places places = places_[index];
  for (std::uint16_t i = places.first; i < places.end; ++i) {
    if (!disabled_[i] || !released(i)) continue;
    all_[i].address = address;
    all_[i].origin = FrameOrigin(interface, address);
    disabled_[i] = false;
    deprecated_[i] = false;
    fill_slots();
    return i;
  }
  return kNoAddress;
}

void Addresses::set_on_link(std::size_t interface, std::span<const Autoconfigured::Prefix> prefixes) noexcept {
  Ways& ways = ways_[ways_of(interface, false)];
  ways.on_link.resize(ways.fixed_on_link);
  for (const Autoconfigured::Prefix& prefix : prefixes) {
    ways.on_link.push_back(prefix_of({prefix.network, prefix.length}));  // there is room for it
  }
}

void Addresses::fill_slots() noexcept {
  std::fill(slots_.begin(), slots_.end(), kNoAddress);
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (disabled_[i]) continue;
    std::uint32_t slot = slot_of(all_[i].address);
    while (slots_[slot] != kNoAddress) slot = (slot + 1) & mask_;
    slots_[slot] = static_cast<std::uint16_t>(i);
  }
}

std::uint32_t Addresses::slot_of(const IpAddress& address) const noexcept {
  return spread(address, 0, std::size_t{mask_} + 1);
}

bool Addresses::on_link(std::uint8_t interface, const IpAddress& remote) const noexcept {
  return holds_any(ways_[ways_of(interface, remote.is_v4())].on_link, remote);
}

const Addresses::Via* Addresses::by_route(const Ways& ways, const IpAddress& remote) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, remote.bytes.data(), sizeof(words));
  for (const Via& via : ways.routes) {
    if (via.prefix.holds(words)) return &via;
  }
  return nullptr;
}

Addresses::Reach Addresses::reach_of(const Ways& ways, const IpAddress& remote) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, remote.bytes.data(), sizeof(words));
  Reach reach;
  for (const Prefix& prefix : ways.on_link) {
    // The next link has the same link-local network: it says nothing of where `remote` is.
    if (prefix.first == kNoAddress || !prefix.holds(words) || 2 * prefix.length() + 1 <= reach.bits) continue;
    reach = {2 * prefix.length() + 1, &prefix};
  }
  if (reach.on_link != nullptr) return reach;
  if (const Via* via = by_route(ways, remote)) return {2 * via->prefix.length(), nullptr};
  return {ways.has_gateway ? 0 : -1, nullptr};
}

bool Addresses::may_be_source(std::size_t index, std::size_t ways, const IpAddress& remote, bool same_scope) const noexcept {
  const LocalAddress& ours = all_[index];
  if (ours.ways != ways || disabled_[index]) return false;
  return !same_scope || ours.address.is_link_local() == remote.is_link_local();
}

// One whose prefix `remote` is in, or any of these ways; a deprecated one where there is no other (RFC 6724 5, rule 3).
std::uint16_t Addresses::source_from(std::size_t ways, const Prefix* on_link, const IpAddress& remote, bool same_scope) const noexcept {
  for (const bool deprecated : {false, true}) {
    const auto good = [&](std::size_t i) { return deprecated_[i] == deprecated && may_be_source(i, ways, remote, same_scope); };
    for (std::size_t i = on_link != nullptr ? on_link->first : all_.size(); i < all_.size(); ++i) {
      if (same_prefix(all_[i].address, remote, all_[i].prefix_len) && good(i)) return static_cast<std::uint16_t>(i);
    }
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (good(i)) return static_cast<std::uint16_t>(i);
    }
  }
  return kNoAddress;
}

std::uint16_t Addresses::source_among(const IpAddress& remote, bool same_scope) const noexcept {
  std::uint16_t source = kNoAddress;
  int most = -1;
  for (std::size_t w = ways_of(0, remote.is_v4()); w < ways_.size(); w += 2) {
    const Reach reach = reach_of(ways_[w], remote);
    if (reach.bits <= most) continue;
    const std::uint16_t candidate = source_from(w, reach.on_link, remote, same_scope);
    if (candidate == kNoAddress) continue;
    source = candidate;
    most = reach.bits;
  }
  return source;
}

std::uint16_t Addresses::source_for(const IpAddress& remote) const noexcept {
  const std::uint16_t source = source_among(remote, true);  // RFC 6724 5, rule 2
  return source != kNoAddress ? source : source_among(remote, false);
}

bool Addresses::is_listed_broadcast(const IpAddress& address) const noexcept {
  if (!address.is_v4()) return false;
  std::uint64_t words[2];
  std::memcpy(words, address.bytes.data(), sizeof(words));
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  if (words[1] >> 32U == 0xffffffffU) return true;
  for (std::size_t w = ways_of(0, true); w < ways_.size(); w += 2) {
    for (const Prefix& prefix : ways_[w].on_link) {
      if (prefix.has_broadcast && prefix.holds(words) && (words[1] | prefix.mask[1]) == kAll) return true;
    }
  }
  return false;
}

}  // namespace sluice::stack
