// SPDX-License-Identifier: BSD-3-Clause
// [[port]]
#include <fmt/format.h>

#include <string>
#include <utility>

#include "cli/config_parts.h"
#include "cli/config_tree.h"
#include "lib/rules.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kAddressExample = "[\"10.77.0.1/24\", \"fd77::1/64\"]";

class PortReader {
 public:
  PortReader(const toml::table& table, const std::string& key, Report& report)
      : section_(table, key, report), key_(key) {}

  // False: its addresses are not all known.
  bool read(PortConfig& out, FirstUses& addresses) {
    read_name(section_, out.name);
    read_device(out);
    section_.flag("slaac", out.slaac);
    const bool complete = read_addresses(out, addresses);
    if (section_.number("mtu", out.mtu, limits::kMtu)) section_.judge("mtu", lib::judge_mtu(out), std::to_string(out.mtu));
    read_sources(out, complete);
    read_gateways(out, complete);
    read_routes(out, complete);
    section_.flag("dad", out.dad);
    section_.flag("router_advertisements", out.router_advertisements);
    read_mac(out);
    section_.choice<RssMode>(
        "rss", out.rss,
        {{"auto", RssMode::kAuto}, {"hardware", RssMode::kHardware}, {"software", RssMode::kSoftware}});
    section_.number("vlan", out.vlan, limits::kVlan);
    section_.finish();
    return complete;
  }

  [[nodiscard]] Section& section() noexcept { return section_; }

 private:
  void read_device(PortConfig& out) {
    if (!section_.has("device")) {
      static_cast<void>(section_.find("device"));
      section_.missing("device", lib::kDeviceRemedy);
    } else if (section_.text("device", out.device)) {
      section_.judge("device", lib::judge_device(out.device), out.device);
    }
  }

  bool read_addresses(PortConfig& out, FirstUses& used) {
    if (!section_.has("addresses")) {
      static_cast<void>(section_.find("addresses"));
      if (out.slaac) return true;
      section_.missing("addresses", lib::kAddressesRemedy);
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
      } else if (const lib::Judgement fault = lib::judge_interface(*address)) {
        report.add(at, key, *fault, text);
        good = false;
      } else {
        used.claim(address->address.to_string(), key, at, lib::kAddressTwice, report);
        out.addresses.push_back(*address);
      }
    };
    if (!section_.texts("addresses", kAddressExample, read_one)) good = false;
    if (good && count == 0 && !out.slaac) {
      section_.wrong("addresses", "empty ([])", lib::kAddressesRemedy);
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
      if (const lib::Judgement fault = lib::judge_second_source(out.sources, *source)) return report.add(at, key, *fault, text);
      out.sources.push_back(*source);
      if (!addresses_known) return;
      if (const lib::Judgement fault = lib::judge_source(out, key_, *source)) report.add(at, key, *fault, text);
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
      if (const lib::Judgement fault = lib::judge_second_gateway(out.gateways, *gateway)) return report.add(at, key, *fault, text);
      out.gateways.push_back(*gateway);
      if (!addresses_known) return;
      if (const lib::Judgement fault = lib::judge_gateway(out, key_, *gateway)) report.add(at, key, *fault, text);
    });
  }

  void read_routes(PortConfig& out, bool addresses_known) {
    section_.texts("routes", "[\"10.9.0.0/16 via 10.77.0.254\"]", [&](const std::string& text, const std::string& key, Place at) {
      const Result<Route> route = Route::parse(text);
      Report& report = section_.report();
      if (!route.ok()) {
        report_value(report, at, key, route.error());
        return;
      }
      if (const lib::Judgement fault = lib::judge_second_route(out.routes, *route)) return report.add(at, key, *fault, text);
      out.routes.push_back(*route);
      if (!addresses_known) return;
      if (const lib::Judgement fault = lib::judge_route(out, key_, *route)) report.add(at, key, *fault, text);
    });
  }

  void read_mac(PortConfig& out) {
    if (!section_.text("mac", out.mac)) return;
    section_.judge("mac", lib::judge_mac(out.mac), out.mac);
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
      names.claim(port.name, key + ".name", section.place("name"), lib::kNameOfPortTwice, report);
    }
    if (!port.device.empty()) {
      devices.claim(std::string(lib::device_name(port.device)), key + ".device", section.place("device"),
                    lib::kDeviceTwice, report);
    }
    seen.slaac = seen.slaac || port.slaac;
    seen.addresses.insert(seen.addresses.end(), port.addresses.begin(), port.addresses.end());
    out.push_back(std::move(port));
  });
  if (!all_tables) seen.incomplete = true;
  if (all_tables && out.empty()) {
    seen.incomplete = true;
    report.add(place_of(node), "port", "empty ([])", lib::kPortsRemedy);
  }
}

}  // namespace sluice::cli
