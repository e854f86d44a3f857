// SPDX-License-Identifier: BSD-3-Clause
// [[port]]
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "cli/config_parts.h"
#include "cli/config_tree.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kAddressExample = "[\"10.77.0.1/24\", \"fd77::1/64\"]";
constexpr std::uint64_t kMinMtu = 68;      // RFC 791
constexpr std::uint64_t kMinMtuV6 = 1280;  // RFC 8200 5
constexpr std::uint64_t kMaxMtu = 9600;

bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) {
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned mask = 0x80U >> (i % 8);
    if (((a.bytes[i / 8] ^ b.bytes[i / 8]) & mask) != 0) return false;
  }
  return true;
}

// Of the 16 bytes, IPv4's mapped prefix included.
unsigned prefix_bits(const InterfaceAddress& address) {
  return address.prefix_len + (address.address.is_v4() ? 96U : 0U);
}

bool on_link(const InterfaceAddress& interface, const IpAddress& address) {
  return interface.address.is_v4() == address.is_v4() &&
         same_prefix(interface.address, address, prefix_bits(interface));
}

// Every bit after the prefix is `ones`: the network's own address or its broadcast.
bool host_part_is(const InterfaceAddress& address, bool ones) {
  for (unsigned i = prefix_bits(address); i < 128; ++i) {
    const bool bit = (address.address.bytes[i / 8] & (0x80U >> (i % 8))) != 0;
    if (bit != ones) return false;
  }
  return true;
}

// Why no host may have this address, or nothing.
std::optional<std::string_view> not_a_host(const IpAddress& address) {
  const bool v4 = address.is_v4();
  const std::uint8_t first = address.bytes[v4 ? 12 : 0];
  if (address.is_any()) return "the unspecified address";
  if (address.is_multicast()) return "a multicast address";
  if (v4 ? first == 127 : address == *IpAddress::parse("::1")) return "a loopback address";
  if (v4 && first >= 0xf0) return "a reserved address";
  return std::nullopt;
}

std::optional<std::string_view> not_an_interface(const InterfaceAddress& address) {
  if (const auto reason = not_a_host(address.address)) return reason;
  // RFC 3021: a /31 has neither; a /32 is a host.
  if (!address.address.is_v4() || address.prefix_len > 30) return std::nullopt;
  if (host_part_is(address, false)) return "the network's own address";
  if (host_part_is(address, true)) return "the network's broadcast address";
  return std::nullopt;
}

bool is_hex(std::string_view text) {
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
  }
  return true;
}

// "0000:00:03.0" or "00:03.0", perhaps with ",devargs".
bool is_pci_address(std::string_view device) {
  std::string_view address = device.substr(0, device.find(','));
  if (address.size() == 12 && is_hex(address.substr(0, 4)) && address[4] == ':') address.remove_prefix(5);
  return address.size() == 7 && is_hex(address.substr(0, 2)) && address[2] == ':' && is_hex(address.substr(3, 2)) &&
         address[5] == '.' && address[6] >= '0' && address[6] <= '7';
}

class PortReader {
 public:
  PortReader(const toml::table& table, const std::string& key, Report& report)
      : section_(table, key, report), key_(key) {}

  // False: its addresses are not all known.
  bool read(PortConfig& out, FirstUses& addresses) {
    read_name(section_, out.name);
    read_device(out);
    const bool complete = read_addresses(out, addresses);
    const bool mtu_good = section_.number("mtu", out.mtu, kMinMtu, kMaxMtu);
    if (mtu_good && has_v6(out) && out.mtu < kMinMtuV6) {
      section_.wrong("mtu", fmt::format("too small for IPv6 ({})", out.mtu),
                     fmt::format("write {} or more, or give the port no IPv6 address", kMinMtuV6));
    }
    read_sources(out, complete);
    read_gateways(out, complete);
    read_routes(out, complete);
    section_.flag("dad", out.dad);
    section_.flag("router_advertisements", out.router_advertisements);
    read_mac(out);
    section_.choice<RssMode>(
        "rss", out.rss,
        {{"auto", RssMode::kAuto}, {"hardware", RssMode::kHardware}, {"software", RssMode::kSoftware}});
    section_.number("vlan", out.vlan, 0, 4094);
    section_.finish();
    return complete;
  }

  [[nodiscard]] Section& section() noexcept { return section_; }

 private:
  static bool has_v6(const PortConfig& port) {
    for (const InterfaceAddress& address : port.addresses) {
      if (!address.address.is_v4()) return true;
    }
    return false;
  }

  void read_device(PortConfig& out) {
    constexpr std::string_view kRemedy =
        "write a DPDK device like \"net_af_packet0,iface=veth-s\" or a PCI address like \"0000:00:03.0\"";
    if (!section_.has("device")) {
      static_cast<void>(section_.find("device"));
      section_.missing("device", kRemedy);
    } else if (section_.text("device", out.device) && !out.device.starts_with("net_") && !is_pci_address(out.device)) {
      section_.wrong("device", fmt::format("not a device ({})", printable(out.device)), kRemedy);
    }
  }

  bool read_addresses(PortConfig& out, FirstUses& used) {
    if (!section_.has("addresses")) {
      static_cast<void>(section_.find("addresses"));
      section_.missing("addresses", fmt::format("write addresses = {}", kAddressExample));
      return false;
    }
    bool good = true;
    std::size_t count = 0;
    Report& report = section_.report();
    const auto read_one = [&](const std::string& text, const std::string& key, Place at) {
      ++count;
      const Result<InterfaceAddress> address = InterfaceAddress::parse(text);
      if (!address.ok()) {
        report_value(report, at, key, address.error());
        good = false;
      } else if (const auto reason = not_an_interface(*address)) {
        report.add(at, key, fmt::format("{} ({})", *reason, text), "write the address of a host, like 10.77.0.1/24");
        good = false;
      } else {
        used.claim(address->address.to_string(), key, at, "write every address once", report);
        out.addresses.push_back(*address);
      }
    };
    if (!section_.texts("addresses", kAddressExample, read_one)) good = false;
    if (good && count == 0) {
      section_.wrong("addresses", "empty ([])", fmt::format("write addresses = {}", kAddressExample));
      good = false;
    }
    return good;
  }

  void read_sources(PortConfig& out, bool addresses_known) {
    section_.texts("sources", "[\"10.77.0.10\", \"10.77.0.11\"]", [&](const std::string& text, const std::string& key, Place at) {
      const Result<IpAddress> source = IpAddress::parse(text);
      Report& report = section_.report();
      if (!source.ok()) {
        report_value(report, at, key, source.error());
        return;
      }
      for (const IpAddress& other : out.sources) {
        if (other == *source) return report.add(at, key, fmt::format("written twice ({})", text), "write every address once");
      }
      out.sources.push_back(*source);
      if (!addresses_known) return;
      for (const InterfaceAddress& own : out.addresses) {
        if (own.address == *source) return;
      }
      report.add(at, key, fmt::format("not an address of the port ({})", text),
                 fmt::format("write one of {}.addresses, or add it there", key_));
    });
  }

  void read_gateways(PortConfig& out, bool addresses_known) {
    section_.texts("gateway", "[\"10.77.0.254\"]", [&](const std::string& text, const std::string& key, Place at) {
      const Result<IpAddress> gateway = IpAddress::parse(text);
      Report& report = section_.report();
      if (!gateway.ok()) {
        report_value(report, at, key, gateway.error());
        return;
      }
      for (const IpAddress& other : out.gateways) {
        if (other.is_v4() != gateway->is_v4()) continue;
        report.add(at, key, fmt::format("second {} gateway ({})", gateway->is_v4() ? "IPv4" : "IPv6", text),
                   fmt::format("keep one of each family, this or {}", other.to_string()));
        return;
      }
      out.gateways.push_back(*gateway);
      if (!addresses_known) return;
      for (const InterfaceAddress& own : out.addresses) {
        if (own.address == *gateway) {
          report.add(at, key, fmt::format("the port's own address ({})", text), "write the router's address");
          return;
        }
      }
      if (!reaches(out, *gateway)) {
        report.add(at, key, fmt::format("not on-link ({})", text),
                   fmt::format("write an address within one of the prefixes of {}.addresses", key_));
      }
    });
  }

  // A router's link-local address is on every link that speaks IPv6.
  static bool reaches(const PortConfig& port, const IpAddress& router) {
    if (router.is_link_local() && has_v6(port)) return true;
    for (const InterfaceAddress& own : port.addresses) {
      if (on_link(own, router)) return true;
    }
    return false;
  }

  void read_routes(PortConfig& out, bool addresses_known) {
    section_.texts("routes", "[\"10.9.0.0/16 via 10.77.0.254\"]", [&](const std::string& text, const std::string& key, Place at) {
      const Result<Route> route = Route::parse(text);
      Report& report = section_.report();
      if (!route.ok()) {
        report_value(report, at, key, route.error());
        return;
      }
      for (const Route& other : out.routes) {
        if (other.to.to_string() != route->to.to_string()) continue;
        report.add(at, key, fmt::format("second route to {} ({})", other.to.to_string(), text), "keep one of them");
        return;
      }
      out.routes.push_back(*route);
      if (!addresses_known || reaches(out, route->via)) return;
      report.add(at, key, fmt::format("router not on-link ({})", text),
                 fmt::format("write a router within one of the prefixes of {}.addresses", key_));
    });
  }

  void read_mac(PortConfig& out) {
    if (!section_.text("mac", out.mac)) return;
    std::array<unsigned, 6> bytes{};
    bool good = out.mac.size() == 17;
    for (std::size_t i = 0; good && i < 6; ++i) {
      const std::string byte = out.mac.substr(3 * i, 2);
      good = is_hex(byte) && (i == 5 || out.mac[3 * i + 2] == ':');
      if (good) bytes.at(i) = static_cast<unsigned>(std::stoul(byte, nullptr, 16));
    }
    if (!good) {
      section_.wrong("mac", fmt::format("not a MAC address ({})", printable(out.mac)),
                     "write six bytes like \"02:00:00:00:77:01\"");
    } else if ((bytes[0] & 1U) != 0) {
      section_.wrong("mac", fmt::format("a multicast MAC address ({})", out.mac), "make the first byte even");
    } else if (bytes == std::array<unsigned, 6>{}) {
      section_.wrong("mac", fmt::format("the zero MAC address ({})", out.mac),
                     "write another, or remove the key for the device's own");
    }
  }

  Section section_;
  std::string key_;
};

}  // namespace

void read_ports(const toml::node& node, std::vector<PortConfig>& out, PortsSeen& seen, Report& report) {
  FirstUses names, devices, addresses;
  const bool all_tables = for_each_table("port", node, report, [&](const toml::table& table, const std::string& key) {
    PortConfig port;
    PortReader reader(table, key, report);
    if (!reader.read(port, addresses)) seen.incomplete = true;
    const Section& section = reader.section();
    if (!port.name.empty()) {
      names.claim(port.name, key + ".name", section.place("name"), "give every port a name of its own", report);
    }
    if (!port.device.empty()) {
      devices.claim(port.device.substr(0, port.device.find(',')), key + ".device", section.place("device"),
                    "give every port a device of its own", report);
    }
    seen.addresses.insert(seen.addresses.end(), port.addresses.begin(), port.addresses.end());
    out.push_back(std::move(port));
  });
  if (!all_tables) seen.incomplete = true;
  if (all_tables && out.empty()) {
    seen.incomplete = true;
    report.add(place_of(node), "port", "empty ([])", "add a [[port]] with a name, a device and addresses");
  }
}

}  // namespace sluice::cli
