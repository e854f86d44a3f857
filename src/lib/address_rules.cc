// SPDX-License-Identifier: BSD-3-Clause
// Addresses: of interfaces, routers and listeners, and the MTU that they ask for.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lib/rules.h"

namespace sluice::lib {

namespace {

bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) noexcept {
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned mask = 0x80U >> (i % 8);
    if (((a.bytes[i / 8] ^ b.bytes[i / 8]) & mask) != 0) return false;
  }
  return true;
}

// Of the 16 bytes, IPv4's mapped prefix included.
unsigned prefix_bits(const InterfaceAddress& address) noexcept {
  return address.prefix_len + (address.address.is_v4() ? 96U : 0U);
}

bool on_link(const InterfaceAddress& interface, const IpAddress& address) noexcept {
  return interface.address.is_v4() == address.is_v4() && same_prefix(interface.address, address, prefix_bits(interface));
}

// Every bit after the prefix is `ones`: the network's own address or its broadcast.
bool host_part_is(const InterfaceAddress& address, bool ones) noexcept {
  for (unsigned i = prefix_bits(address); i < 128; ++i) {
    const bool bit = (address.address.bytes[i / 8] & (0x80U >> (i % 8))) != 0;
    if (bit != ones) return false;
  }
  return true;
}

constexpr IpAddress kLoopbackV6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

// Why no host may have this address, or nothing.
std::string_view not_a_host(const IpAddress& address) noexcept {
  const bool v4 = address.is_v4();
  const std::uint8_t first = address.bytes[v4 ? 12 : 0];
  if (address.is_any()) return "the unspecified address";
  if (address.is_multicast()) return "a multicast address";
  if (v4 ? first == 127 : address == kLoopbackV6) return "a loopback address";
  if (v4 && first >= 0xf0) return "a reserved address";
  return {};
}

std::string_view not_an_interface(const InterfaceAddress& address) noexcept {
  if (const std::string_view reason = not_a_host(address.address); !reason.empty()) return reason;
  // RFC 3021: a /31 has neither; a /32 is a host.
  if (!address.address.is_v4() || address.prefix_len > 30) return {};
  if (host_part_is(address, false)) return "the network's own address";
  if (host_part_is(address, true)) return "the network's broadcast address";
  return {};
}

// Why no router can be at an address that is on the link, or nothing.
std::string_view not_a_router(const PortConfig& port, const IpAddress& router) noexcept {
  for (const InterfaceAddress& own : port.addresses) {
    if (own.address == router) return "the port's own address";
  }
  for (const InterfaceAddress& own : port.addresses) {
    if (!on_link(own, router)) continue;
    if (const std::string_view reason = not_an_interface({router, own.prefix_len}); !reason.empty()) return reason;
  }
  return {};
}

bool has_v6(const PortConfig& port) noexcept {
  return port.slaac || std::any_of(port.addresses.begin(), port.addresses.end(),
                                   [](const InterfaceAddress& own) { return !own.address.is_v4(); });
}

bool has(const PortConfig& port, const IpAddress& address) noexcept {
  return std::any_of(port.addresses.begin(), port.addresses.end(),
                     [&](const InterfaceAddress& own) { return own.address == address; });
}

// A router's link-local address is on every link that speaks IPv6.
bool reaches(const PortConfig& port, const IpAddress& router) noexcept {
  if (router.is_link_local() && has_v6(port)) return true;
  return std::any_of(port.addresses.begin(), port.addresses.end(),
                     [&](const InterfaceAddress& own) { return on_link(own, router); });
}

}  // namespace

Judgement judge_mtu(const PortConfig& port) {
  if (!has_v6(port) || port.mtu >= limits::kMtuV6.min) return std::nullopt;
  return Fault{"too small for IPv6", fmt::format("write {} or more, or give the port no IPv6 address{}", limits::kMtuV6.min,
                                                 port.slaac ? " and no slaac" : "")};
}

Judgement judge_interface(const InterfaceAddress& address) {
  const std::string_view reason = not_an_interface(address);
  if (reason.empty()) return std::nullopt;
  return Fault{std::string(reason), "write the address of a host, like 10.77.0.1/24"};
}

Judgement judge_second_source(std::span<const IpAddress> earlier, const IpAddress& source) {
  if (std::find(earlier.begin(), earlier.end(), source) == earlier.end()) return std::nullopt;
  return Fault{"written twice", std::string(kAddressTwice)};
}

Judgement judge_source(const PortConfig& port, std::string_view key, const IpAddress& source) {
  if (has(port, source)) return std::nullopt;
  return Fault{"not an address of the port", fmt::format("write one of {}.addresses, or add it there", key)};
}

Judgement judge_second_gateway(std::span<const IpAddress> earlier, const IpAddress& gateway) {
  for (const IpAddress& other : earlier) {
    if (other.is_v4() != gateway.is_v4()) continue;
    return Fault{fmt::format("second {} gateway", gateway.is_v4() ? "IPv4" : "IPv6"),
                 fmt::format("keep one of each family, this or {}", other.to_string())};
  }
  return std::nullopt;
}

Judgement judge_gateway(const PortConfig& port, std::string_view key, const IpAddress& gateway) {
  if (const std::string_view reason = not_a_router(port, gateway); !reason.empty()) {
    return Fault{std::string(reason), "write the router's address"};
  }
  if (reaches(port, gateway)) return std::nullopt;
  return Fault{"not on-link", fmt::format("write an address within one of the prefixes of {}.addresses", key)};
}

Judgement judge_second_route(std::span<const Route> earlier, const Route& route) {
  const std::string network = route.to.to_string();
  for (const Route& other : earlier) {
    if (other.to.to_string() == network) return Fault{fmt::format("second route to {}", network), "keep one of them"};
  }
  return std::nullopt;
}

Judgement judge_route(const PortConfig& port, std::string_view key, const Route& route) {
  if (const std::string_view reason = not_a_router(port, route.via); !reason.empty()) {
    return Fault{fmt::format("by way of {}", reason), "write the router's address"};
  }
  if (reaches(port, route.via)) return std::nullopt;
  return Fault{"router not on-link", fmt::format("write a router within one of the prefixes of {}.addresses", key)};
}

Judgement judge_listen_port(const Endpoint& endpoint) {
  if (limits::kListenPort.contains(endpoint.port)) return std::nullopt;
  return Fault{fmt::format("port {}", endpoint.port),
               fmt::format("write a port from {} to {}", limits::kListenPort.min, limits::kListenPort.max)};
}

Judgement judge_listen_address(std::span<const InterfaceAddress> addresses, bool slaac, const Endpoint& endpoint) {
  std::vector<std::string> there;
  if (slaac) {
    const IpAddress any{};
    if (endpoint.address == any) return std::nullopt;
    there.push_back(any.to_string());
  }
  for (const InterfaceAddress& own : addresses) {
    const bool same_family = own.address.is_v4() == endpoint.address.is_v4();
    if (same_family && (endpoint.address.is_any() || own.address == endpoint.address)) return std::nullopt;
    there.push_back(own.address.to_string());
  }
  return Fault{"no port has this address", fmt::format("add it to a port, or listen on one of {}", fmt::join(there, ", "))};
}

// By the rule of stack::Listeners::taken().
Judgement Listening::claim(const Endpoint& endpoint, const std::string& key) {
  std::vector<Owner>& owners = owners_[{endpoint.port, endpoint.address.is_v4()}];
  for (const Owner& owner : owners) {
    if (owner.address == endpoint.address) {
      return Fault{fmt::format("already used by {}", owner.key), std::string(kEndpointTwice)};
    }
    if (owner.address.is_any() || endpoint.address.is_any()) {
      return Fault{fmt::format("overlaps {} of {}", Endpoint{owner.address, endpoint.port}.to_string(), owner.key),
                   std::string(kEndpointTwice)};
    }
  }
  owners.push_back({endpoint.address, key});
  return std::nullopt;
}

}  // namespace sluice::lib
