// SPDX-License-Identifier: BSD-3-Clause
#include "stack/slaac.h"

#include <algorithm>
#include <cstring>

#include "wire/ipv6.h"

namespace sluice::stack {

namespace {
constexpr Duration kDadTime = Duration::seconds(1);     // RFC 4862 5.4, RFC 4861's RetransTimer
constexpr Duration kIdgenDelay = Duration::seconds(1);  // RFC 7217 6
constexpr std::uint32_t kFirstProbeMs = 1000;           // RFC 4862 5.4.2, RFC 4861's MAX_RTR_SOLICITATION_DELAY
constexpr std::uint8_t kIdentifierBits = 64;            // RFC 2464 4
constexpr IpAddress kLinkLocal{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};

Instant end_of(std::uint32_t lifetime_s, Instant now) noexcept {
  return lifetime_s == wire::PrefixInformation::kForever ? Instant::never() : now + Duration::seconds(lifetime_s);
}

// Their first 64 bits.
bool same_network(const IpAddress& a, const IpAddress& b) noexcept { return std::memcmp(a.bytes.data(), b.bytes.data(), 8) == 0; }

IpAddress network_of(const IpAddress& address, unsigned length) noexcept {
  IpAddress network = address;
  for (unsigned i = length; i < 128; ++i) {
    std::uint8_t& byte = network.bytes[i / 8];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> i % 8));
  }
  return network;
}
}  // namespace

bool is_reserved_identifier(std::uint64_t identifier) noexcept {
  if (identifier == 0) return true;                           // RFC 4291 2.6.1: the routers' anycast address
  if (identifier >> 24U == 0x02'005e'fffeU) return true;      // IANA's Ethernet block
  return identifier >> 7U == 0xfdff'ffff'ffff'ff80ULL >> 7U;  // RFC 2526: other anycast addresses
}

IpAddress stable_address(SipKey key, const IpAddress& prefix, const wire::MacAddress& mac, std::uint8_t& counter) noexcept {
  IpAddress address = prefix;
  for (;; ++counter) {
    SipHasher<2, 4> hasher(key);
    hasher.add(wire::load_be64(prefix.bytes.data()));
    hasher.add(std::uint64_t{wire::load_be32(mac.data())} << 16U | wire::load_be16(mac.data() + 4));
    hasher.add(counter);
    hasher.add(0x736c'6161'63ULL);  // "slaac": no other use of the same key says this
    const std::uint64_t identifier = hasher.finish();
    if (is_reserved_identifier(identifier)) continue;
    wire::store_be64(address.bytes.data() + 8, identifier);
    return address;
  }
}

Slaac::Slaac(const std::vector<InterfaceConfig>& interfaces, SipKey key, bool off) : key_(key) {
  for (const InterfaceConfig& interface : interfaces) {
    Link link;
    link.mac = interface.mac;
    link.wanted = !off && interface.slaac;
    link.dad = interface.dad;
    link.has_link_local = std::any_of(interface.addresses.begin(), interface.addresses.end(),
                                      [](const InterfaceAddress& ours) { return ours.address.is_link_local(); });
    links_.push_back(link);
  }
}

bool Slaac::any_wanted() const noexcept {
  return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.wanted; });
}

void Slaac::start(std::uint64_t speaks, Instant now) noexcept {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    Link& link = links_[i];
    link.decides = link.wanted && (speaks >> i & 1U) != 0;
    if (!link.decides || link.has_link_local) continue;
    Entry& entry = link.entries[0];
    entry.valid_until = entry.preferred_until = Instant::never();
    begin(link, entry, kLinkLocal, now);
  }
}

void Slaac::begin(const Link& link, Entry& entry, const IpAddress& prefix, Instant at) noexcept {
  entry.address = stable_address(key_, prefix, link.mac, entry.counter);
  entry.state = State::kWaiting;
  entry.next = at;
  check_by(at);
}

bool Slaac::hear(std::size_t interface, const wire::PrefixInformation& info, Instant now, Rng& rng) noexcept {
  // RFC 4861 6.3.4, RFC 4862 5.5.3 (b): the link-local prefix is nobody's to advertise. Nor is what is no network of hosts.
  if (info.length > 128 || info.prefix.is_link_local()) return true;
  if (wire::ipv6_scope(network_of(info.prefix, info.length).bytes.data()) != wire::Ipv6Scope::kUnicast) return true;
  Link& link = links_[interface];
  const bool on_link = !info.on_link || hear_on_link(link, info, now);
  const bool address = !info.autonomous || hear_address(link, info, now, rng);
  return on_link && address;
}

bool Slaac::hear_on_link(Link& link, const wire::PrefixInformation& info, Instant now) noexcept {
  const Autoconfigured::Prefix prefix{network_of(info.prefix, info.length), info.length};
  OnLink* const end = link.on_link.begin() + link.n_on_link;
  OnLink* const known = std::find_if(link.on_link.begin(), end, [&](const OnLink& each) { return each.prefix == prefix; });
  if (known == end) {
    if (info.valid_s == 0) return true;
    if (link.n_on_link == link.on_link.size()) return false;
    ++link.n_on_link;
  }
  *known = {prefix, end_of(info.valid_s, now)};  // a lifetime of 0: gone at once
  check_by(now);
  return true;
}

bool Slaac::hear_address(Link& link, const wire::PrefixInformation& info, Instant now, Rng& rng) noexcept {
  // RFC 4862 5.5.3 (c), (d)
  if (info.preferred_s > info.valid_s || info.length != kIdentifierBits) return true;
  Entry* const first = link.entries.begin() + 1;
  Entry* entry = std::find_if(first, link.entries.end(), [&](const Entry& each) {
    return each.state != State::kFree && same_network(each.address, info.prefix);
  });
  const Instant valid_until = end_of(info.valid_s, now);
  if (entry == link.entries.end()) {
    if (info.valid_s == 0) return true;
    entry = std::find_if(first, link.entries.end(), [](const Entry& each) { return each.state == State::kFree; });
    if (entry == link.entries.end()) return false;
    entry->valid_until = valid_until;
    // All hosts hear of it at the same time.
    begin(link, *entry, info.prefix, link.dad ? now + Duration::milliseconds(rng.below(kFirstProbeMs)) : now);
  } else if (Duration::seconds(info.valid_s) > kTwoHours || valid_until > entry->valid_until) {  // (e) 1
    entry->valid_until = valid_until;
  } else if (entry->valid_until > now + kTwoHours) {  // (e) 3, else 2
    entry->valid_until = now + kTwoHours;
  }
  entry->preferred_until = end_of(info.preferred_s, now);
  check_by(now);
  return true;
}

Slaac::Conflict Slaac::conflict(std::size_t interface, const IpAddress& target, Instant now) noexcept {
  Link& link = links_[interface];
  for (Entry& entry : link.entries) {
    const bool tried = entry.state == State::kWaiting || entry.state == State::kTentative;
    if (!tried || entry.address != target) continue;
    if (++entry.tries == kTries) {
      entry.state = State::kDuplicate;
      return Conflict::kGivenUp;
    }
    ++entry.counter;
    begin(link, entry, entry.address, now + kIdgenDelay);
    return Conflict::kNext;
  }
  return Conflict::kNone;
}

bool Slaac::step(const Link& link, Entry& entry, Instant now) noexcept {
  if (entry.state == State::kFree) return false;
  if (entry.valid_until <= now) {
    entry = Entry{};
    return false;
  }
  bool probes = false;
  if (entry.state == State::kWaiting && entry.next <= now) {
    entry.state = link.dad ? State::kTentative : State::kOurs;
    entry.next = now + kDadTime;
    probes = link.dad;
  } else if (entry.state == State::kTentative && entry.next <= now) {
    entry.state = State::kOurs;
  }
  check_by(entry.valid_until);
  if (entry.state == State::kWaiting || entry.state == State::kTentative) check_by(entry.next);
  if (entry.state == State::kOurs && entry.preferred_until > now) check_by(entry.preferred_until);
  return probes;
}

bool Slaac::settle(Link& link, Instant now) noexcept {
  Autoconfigured has;
  for (const Entry& entry : link.entries) {
    if (entry.state == State::kOurs) has.addresses[has.n_addresses++] = {entry.address, entry.preferred_until <= now};
  }
  for (std::size_t i = 0; i < link.n_on_link;) {
    if (link.on_link[i].until <= now) {
      std::move(link.on_link.begin() + i + 1, link.on_link.begin() + link.n_on_link, link.on_link.begin() + i);
      --link.n_on_link;
      continue;
    }
    check_by(link.on_link[i].until);
    has.on_link[has.n_on_link++] = link.on_link[i++].prefix;
  }
  if (has == link.has) return false;
  if (now < link.quiet_until) {
    check_by(link.quiet_until);
    return false;
  }
  link.has = has;
  link.quiet_until = now + kQuiet;
  return true;
}

}  // namespace sluice::stack
