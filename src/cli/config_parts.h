// SPDX-License-Identifier: BSD-3-Clause
// The readers of the single tables of a configuration; only config_file.cc calls them.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/report.h"
#include "cli/section.h"
#include "sluice/config.h"

namespace sluice::cli {

// What the services are checked against.
struct PortsSeen {
  std::vector<InterfaceAddress> addresses;
  bool slaac = false;  // one makes itself addresses
  // An address or a port could not be read: whether a service's address is there cannot be told.
  bool incomplete = false;
};

void read_dpdk(const toml::table& table, DpdkConfig& out, Report& report);
void read_tcp(const toml::table& table, TcpConfig& out, Report& report);
// [tcp]'s keepalive and a service's: keys that are not given keep what `out` holds.
void read_keepalive(Section& parent, KeepaliveConfig& out);
void read_congestion_control(Section& section, CongestionControl& out);

void read_ports(const toml::node& node, std::vector<PortConfig>& out, PortsSeen& seen, Report& report);
void read_services(const toml::node& node, const TcpConfig& tcp, const PortsSeen& ports,
                   std::vector<ServiceConfig>& out, std::map<std::string, std::string>& places, Report& report);

// Letters, digits, '-' and '_': what --set, `conns --filter` and file names can carry.
// False, and `out` empty, if there is none that may be used.
bool read_name(Section& section, std::string& out);

// How an element is called: "port.front" if it has a usable name, else "port[0]".
[[nodiscard]] std::string element_key(std::string_view kind, const toml::table& table, std::size_t index);

// Calls `each` for every element of [[kind]]; false if `node` or an element is no table.
bool for_each_table(std::string_view kind, const toml::node& node, Report& report,
                    const std::function<void(const toml::table& table, const std::string& key)>& each);

// Reports what base's parsers say of an address: "what (the value); remedy".
void report_value(Report& report, Place place, std::string_view key, const Error& error);

// Remembers who was first with a name, an address, a device; who is second gets reported.
class FirstUses {
 public:
  // True if `what` is new; else reports `key` at `place`: "already used by port.front (eth0)".
  bool claim(const std::string& what, const std::string& key, Place place, std::string_view remedy, Report& report);

 private:
  std::map<std::string, std::string> owners_;
};

}  // namespace sluice::cli
