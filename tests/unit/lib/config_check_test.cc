// SPDX-License-Identifier: BSD-3-Clause
// What Engine::create() and add_service() take of the values that a program fills in: each extreme of each number, and
// for every wrong value its message.
#include "lib/config_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/engine.h"

namespace sluice::lib {
namespace {

InterfaceAddress interface(const char* text) { return InterfaceAddress::parse(text).value(); }
IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Endpoint endpoint(const char* text) { return Endpoint::parse(text).value(); }

// No more than has to be given.
Config smallest() {
  Config config;
  config.ports.resize(1);
  config.ports[0].device = "net_null0";
  config.ports[0].addresses = {interface("10.77.0.1/24")};
  return config;
}

Config usual() {
  Config config = smallest();
  PortConfig& port = config.ports[0];
  port.name = "front";
  port.addresses = {interface("10.77.0.1/24"), interface("fd77::1/64")};
  config.services.resize(1);
  config.services[0].name = "web";
  config.services[0].listen = {endpoint("10.77.0.1:80")};
  return config;
}

std::string said_of(const Config& config) {
  const Result<void> checked = check_config(config);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, Errc::kInvalid);
  return checked.error().message;
}

TEST(ConfigCheck, TakesTheDefaultsOnceThereIsAPort) {
  EXPECT_EQ(said_of(smallest()), "");
  EXPECT_EQ(said_of(usual()), "");
  EXPECT_TRUE(check_service(ServiceConfig{}).ok());
}

struct Number {
  const char* key;
  std::int64_t min, max;
  std::function<void(Config&, std::int64_t)> put;
  bool zero_too = false;
};

template <typename T>
auto put(T& field, std::int64_t value) {
  field = static_cast<T>(value);
  EXPECT_EQ(static_cast<std::int64_t>(field), value) << "the field is too narrow for this test";
}
#define PUT(FIELD) [](Config & c, std::int64_t v) { put(c.FIELD, v); }
#define PUT_OPTIONAL(FIELD) [](Config & c, std::int64_t v) { put(c.FIELD.emplace(), v); }

// The numbers stand here once more: what is refused is a promise of the interface.
const std::vector<Number>& numbers() {
  static const std::vector<Number> all = {
      {"engine.drain_s", 0, 3600, PUT(drain_s)},
      {"tcp.msl_ms", 1, 3'600'000, PUT(tcp.msl_ms)},
      {"tcp.keepalive.idle_s", 1, 32767, PUT(tcp.keepalive.idle_s)},
      {"tcp.keepalive.interval_s", 1, 32767, PUT(tcp.keepalive.interval_s)},
      {"tcp.keepalive.probes", 1, 127, PUT(tcp.keepalive.probes)},
      {"tcp.congestion_control", 0, 3, PUT(tcp.congestion_control)},
      {"tcp.max_connections", 1, 268435456, PUT(tcp.max_connections)},
      {"tcp.syn_cache", 1, 16777216, PUT(tcp.syn_cache)},
      {"tcp.buffers", 256, 268435456, PUT(tcp.buffers), true},
      {"tcp.rcvbuf", 1024, 1073725440, PUT(tcp.rcvbuf)},
      {"tcp.sndbuf", 1024, 1073725440, PUT(tcp.sndbuf)},
      {"tcp.ttl", 1, 255, PUT(tcp.ttl)},
      {"tcp.dscp", 0, 63, PUT(tcp.dscp)},
      {"port.front.vlan", 0, 4094, PUT(ports[0].vlan)},
      {"service.web.backlog", 1, 1048576, PUT(services[0].backlog)},
      {"service.web.rcvbuf", 1024, 1073725440, PUT(services[0].rcvbuf), true},
      {"service.web.sndbuf", 1024, 1073725440, PUT(services[0].sndbuf), true},
      {"service.web.keepalive.idle_s", 1, 32767, PUT(services[0].keepalive.idle_s)},
      {"service.web.keepalive.interval_s", 1, 32767, PUT(services[0].keepalive.interval_s)},
      {"service.web.keepalive.probes", 1, 127, PUT(services[0].keepalive.probes)},
      {"service.web.congestion_control", 0, 3, PUT(services[0].congestion_control)},
      {"service.web.ttl", 1, 255, PUT_OPTIONAL(services[0].ttl)},
      {"service.web.dscp", 0, 63, PUT_OPTIONAL(services[0].dscp)},
      {"service.web.idle_timeout_s", 0, 86400, PUT(services[0].idle_timeout_s)},
  };
  return all;
}

std::string with(const Number& number, std::int64_t value) {
  Config config = usual();
  number.put(config, value);
  return said_of(config);
}

std::string refusal(const Number& number, std::int64_t value) {
  return std::string(number.key) + (number.zero_too ? " is 0 or " : " is ") + std::to_string(number.min) + " to " +
         std::to_string(number.max) + ", not " + std::to_string(value);
}

TEST(ConfigCheck, TakesTheExtremesOfEveryNumberAndNothingBeyond) {
  for (const Number& number : numbers()) {
    std::vector<std::int64_t> good = {number.min, number.max};
    if (number.zero_too) good.push_back(0);
    std::vector<std::int64_t> bad;
    if (number.min > 0) bad.push_back(number.min - 1);
    if (number.max != 255) bad.push_back(number.max + 1);  // of eight bits
    EXPECT_FALSE(bad.empty()) << number.key;
    for (const std::int64_t value : good) EXPECT_EQ(with(number, value), "");
    for (const std::int64_t value : bad) EXPECT_EQ(with(number, value), refusal(number, value));
  }
}

TEST(ConfigCheck, AddServiceTakesTheSameOfAService) {
  for (const Number& number : numbers()) {
    if (!std::string_view(number.key).starts_with("service.")) continue;
    for (const std::int64_t value : {number.min, number.max}) {
      Config config = usual();
      number.put(config, value);
      EXPECT_TRUE(check_service(config.services[0]).ok()) << number.key << " " << value;
    }
    Config config = usual();
    const std::int64_t wrong = number.max == 255 ? 0 : number.max + 1;
    number.put(config, wrong);
    const Result<void> checked = check_service(config.services[0]);
    ASSERT_FALSE(checked.ok()) << number.key;
    EXPECT_EQ(checked.error().message, refusal(number, wrong));
  }
  ServiceConfig service;
  service.listen = {endpoint("10.77.0.1:80"), endpoint("10.77.0.1:0")};
  EXPECT_EQ(check_service(service).error().message, "service.listen[1]: port 0 (10.77.0.1:0); write a port from 1 to 65535");
}

TEST(ConfigCheck, TheMtuHasToSufficeForTheFamiliesOfThePort) {
  Config config = usual();
  for (const std::uint16_t good : {1280, 9600}) {
    config.ports[0].mtu = good;
    EXPECT_EQ(said_of(config), "");
  }
  config.ports[0].mtu = 1279;
  EXPECT_EQ(said_of(config), "port.front.mtu: too small for IPv6 (1279); write 1280 or more, or give the port no IPv6 address");
  config.ports[0].addresses.pop_back();
  EXPECT_EQ(said_of(config), "");
  config.ports[0].mtu = 104;
  EXPECT_EQ(said_of(config), "");
  for (const std::uint16_t wrong : {0, 103, 9601, 65535}) {
    config.ports[0].mtu = wrong;
    EXPECT_EQ(said_of(config), "port.front.mtu is 104 to 9600, not " + std::to_string(wrong));
  }
}

struct Wrong {
  std::function<void(Config&)> change;
  const char* said;
};
PortConfig& front(Config& config) { return config.ports[0]; }
void own(Config& config, InterfaceAddress address) { front(config).addresses = {address}; }
void route(Config& config, const char* to, std::uint8_t prefix_len, const char* via) {
  front(config).routes.push_back({{address(to), prefix_len}, address(via)});
}
void second_port(Config& config, const char* name, const char* device, const char* own_address) {
  PortConfig& port = config.ports.emplace_back();
  port.name = name;
  port.device = device;
  port.addresses = {interface(own_address)};
}
void second_service(Config& config, const char* name, std::vector<Endpoint> listen) {
  ServiceConfig& service = config.services.emplace_back();
  service.name = name;
  service.listen = std::move(listen);
}

const std::vector<Wrong>& wrong_ports() {
  static const std::vector<Wrong> all = {
      {[](Config& c) { c.ports.clear(); }, "port: missing; add a [[port]] with a name, a device and addresses"},
      {[](Config& c) { front(c).device.clear(); },
       "port.front.device: missing; write a DPDK device like \"net_af_packet0,iface=veth-s\" or a PCI address like \"0000:00:03.0\""},
      {[](Config& c) { front(c).device = "eth0\n"; },
       "port.front.device: not a device (eth0\\x0a); write a DPDK device like \"net_af_packet0,iface=veth-s\" or a PCI address like "
       "\"0000:00:03.0\""},
      {[](Config& c) { front(c).name = "a.b"; },
       "port[0].name: not a name (a.b); use letters, digits, '-' and '_', at most 63"},
      {[](Config& c) { second_port(c, "front", "net_null1", "10.78.0.1/24"); },
       "port.front.name: already used by port.front.name (front); give every port a name of its own"},
      {[](Config& c) { second_port(c, "back", "net_null0,copy=1", "10.78.0.1/24"); },
       "port.back.device: already used by port.front.device (net_null0); give every port a device of its own"},
      {[](Config& c) { second_port(c, "", "net_null1", "10.77.0.1/16"); },
       "port[1].addresses[0]: already used by port.front.addresses[0] (10.77.0.1); write every address once"},
      {[](Config& c) { front(c).addresses.clear(); },
       "port.front.addresses: missing; write addresses = [\"10.77.0.1/24\", \"fd77::1/64\"]"},
      {[](Config& c) { own(c, {address("10.77.0.1"), 33}); },
       "port.front.addresses[0]: not a prefix length (10.77.0.1/33); write one from 0 to 32 after the slash"},
      {[](Config& c) { own(c, {address("10.77.0.1"), 200}); },
       "port.front.addresses[0]: not a prefix length (10.77.0.1/200); write one from 0 to 32 after the slash"},
      {[](Config& c) { own(c, {address("fd77::1"), 129}); },
       "port.front.addresses[0]: not a prefix length (fd77::1/129); write one from 0 to 128 after the slash"},
      {[](Config& c) { own(c, interface("127.0.0.1/8")); },
       "port.front.addresses[0]: a loopback address (127.0.0.1/8); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { own(c, interface("::1/128")); },
       "port.front.addresses[0]: a loopback address (::1/128); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { own(c, {}); },
       "port.front.addresses[0]: the unspecified address (::/0); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { own(c, interface("239.1.2.3/24")); },
       "port.front.addresses[0]: a multicast address (239.1.2.3/24); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { own(c, interface("255.255.255.255/32")); },
       "port.front.addresses[0]: a reserved address (255.255.255.255/32); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { own(c, interface("10.77.0.0/24")); },
       "port.front.addresses[0]: the network's own address (10.77.0.0/24); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { own(c, interface("10.77.0.255/24")); },
       "port.front.addresses[0]: the network's broadcast address (10.77.0.255/24); write the address of a host, like 10.77.0.1/24"},
      {[](Config& c) { front(c).sources = {address("10.77.0.2")}; },
       "port.front.sources[0]: not an address of the port (10.77.0.2); write one of port.front.addresses, or add it there"},
      {[](Config& c) { front(c).sources = {address("10.77.0.1"), address("10.77.0.1")}; },
       "port.front.sources[1]: written twice (10.77.0.1); write every address once"},
      {[](Config& c) { front(c).gateways = {address("10.78.0.1")}; },
       "port.front.gateway[0]: not on-link (10.78.0.1); write an address within one of the prefixes of port.front.addresses"},
      {[](Config& c) { front(c).gateways = {address("10.77.0.1")}; },
       "port.front.gateway[0]: the port's own address (10.77.0.1); write the router's address"},
      {[](Config& c) { front(c).gateways = {address("10.77.0.255")}; },
       "port.front.gateway[0]: the network's broadcast address (10.77.0.255); write the router's address"},
      {[](Config& c) { front(c).gateways = {address("10.77.0.0")}; },
       "port.front.gateway[0]: the network's own address (10.77.0.0); write the router's address"},
      {[](Config& c) { route(c, "10.9.0.0", 16, "10.77.0.1"); },
       "port.front.routes[0]: by way of the port's own address (10.9.0.0/16 via 10.77.0.1); write the router's address"},
      {[](Config& c) { route(c, "2001:db8::", 32, "fd77::1"); },
       "port.front.routes[0]: by way of the port's own address (2001:db8::/32 via fd77::1); write the router's address"},
      {[](Config& c) { route(c, "10.9.0.0", 16, "10.77.0.255"); },
       "port.front.routes[0]: by way of the network's broadcast address (10.9.0.0/16 via 10.77.0.255); write the router's address"},
      {[](Config& c) { front(c).gateways = {address("10.77.0.2"), address("fe80::1"), address("10.77.0.3")}; },
       "port.front.gateway[2]: second IPv4 gateway (10.77.0.3); keep one of each family, this or 10.77.0.2"},
      {[](Config& c) { route(c, "10.9.0.0", 16, "10.78.0.1"); },
       "port.front.routes[0]: router not on-link (10.9.0.0/16 via 10.78.0.1); write a router within one of the prefixes of "
       "port.front.addresses"},
      {[](Config& c) { route(c, "10.9.0.0", 16, "10.77.0.2"), route(c, "10.9.0.0", 16, "10.77.0.3"); },
       "port.front.routes[1]: second route to 10.9.0.0/16 (10.9.0.0/16 via 10.77.0.3); keep one of them"},
      {[](Config& c) { route(c, "10.9.0.1", 16, "10.77.0.2"); },
       "port.front.routes[0]: not a network (10.9.0.1/16 via 10.77.0.2); make the bits behind the prefix zero"},
      {[](Config& c) { route(c, "2001:db8::", 32, "10.77.0.2"); },
       "port.front.routes[0]: a route between two families (2001:db8::/32 via 10.77.0.2); write network and router both IPv4 or both "
       "IPv6"},
      {[](Config& c) { route(c, "10.9.0.0", 99, "10.77.0.2"); },
       "port.front.routes[0]: not a prefix length (10.9.0.0/99); write one from 0 to 32 after the slash"},
      {[](Config& c) { front(c).mac = "02-00-00-00-77-01"; },
       "port.front.mac: not a MAC address (02-00-00-00-77-01); write six bytes like \"02:00:00:00:77:01\""},
      {[](Config& c) { front(c).mac = "03:00:00:00:77:01"; },
       "port.front.mac: a multicast MAC address (03:00:00:00:77:01); make the first byte even"},
      {[](Config& c) { front(c).mac = "00:00:00:00:00:00"; },
       "port.front.mac: the zero MAC address (00:00:00:00:00:00); write another, or remove the key for the device's own"},
  };
  return all;
}

const std::vector<Wrong>& wrong_elsewhere() {
  static const std::vector<Wrong> all = {
      {[](Config& c) { c.dpdk.instance = ""; },
       "dpdk.instance: empty (\"\"); write a string that is not empty, or remove the key"},
      {[](Config& c) { c.dpdk.instance = "../etc"; },
       "dpdk.instance: not a file name (../etc); use letters, digits, '-', '_' and '.', not '.' first"},
      {[](Config& c) { c.dpdk.instance = ".a"; },
       "dpdk.instance: not a file name (.a); use letters, digits, '-', '_' and '.', not '.' first"},
      {[](Config& c) { c.dpdk.instance = std::string("a\0b", 3); }, "dpdk.instance: holds a zero byte (a\\x00b); remove it"},
      {[](Config& c) { c.dpdk.lcores = "3-1"; },
       "dpdk.lcores: not a list of cores (3-1); write numbers from 0 to 127 like \"0\", \"0-3\" or \"1,4-5\""},
      {[](Config& c) { c.dpdk.lcores = "128"; },
       "dpdk.lcores: not a list of cores (128); write numbers from 0 to 127 like \"0\", \"0-3\" or \"1,4-5\""},
      {[](Config& c) { c.services[0].name = "w b"; },
       "service[0].name: not a name (w b); use letters, digits, '-' and '_', at most 63"},
      {[](Config& c) { second_service(c, "web", {}); },
       "service.web.name: already used by service.web.name (web); give every service a name of its own"},
      {[](Config& c) { c.services[0].listen = {endpoint("[::]:0")}; },
       "service.web.listen[0]: port 0 ([::]:0); write a port from 1 to 65535"},
      {[](Config& c) { c.services[0].listen = {endpoint("10.77.0.2:80")}; },
       "service.web.listen[0]: no port has this address (10.77.0.2:80); add it to a port, or listen on one of 10.77.0.1, fd77::1"},
      {[](Config& c) { second_service(c, "", {endpoint("10.77.0.1:80")}); },
       "service[1].listen[0]: already used by service.web.listen[0] (10.77.0.1:80); listen on another address or port"},
      {[](Config& c) { second_service(c, "", {endpoint("0.0.0.0:80")}); },
       "service[1].listen[0]: overlaps 10.77.0.1:80 of service.web.listen[0] (0.0.0.0:80); listen on another address or port"},
      {[](Config& c) { c.services[0].listen = {endpoint("[::]:80"), endpoint("0.0.0.0:80"), endpoint("[fd77::1]:80")}; },
       "service.web.listen[2]: overlaps [::]:80 of service.web.listen[0] ([fd77::1]:80); listen on another address or port"},
  };
  return all;
}

TEST(ConfigCheck, EveryWrongValueGivesItsMessage) {
  for (const std::vector<Wrong>* list : {&wrong_ports(), &wrong_elsewhere()}) {
    for (const Wrong& wrong : *list) {
      Config config = usual();
      wrong.change(config);
      EXPECT_EQ(said_of(config), wrong.said);
    }
  }
}

TEST(ConfigCheck, TakesWhatOnlyLooksOdd) {
  const std::vector<std::function<void(Config&)>> changes = {
      [](Config& c) { c.dpdk.instance = std::string(64, 'i'); },
      [](Config& c) { c.dpdk.lcores = "(0-3)@(4-7)"; },
      [](Config& c) { front(c).device = "0000:00:03.0"; },
      [](Config& c) { front(c).device = "0000:AF:03.0,queues=4"; },
      [](Config& c) { c.dpdk.eal_args = {"--huge-dir=/dev/hugepages", "-v", "-n4", "--helping"}; },
      [](Config& c) { front(c).mac = "02:aB:00:00:77:01"; },
      [](Config& c) { own(c, interface("10.77.0.0/31")); c.services.clear(); },
      [](Config& c) { own(c, interface("10.77.0.255/32")); c.services.clear(); },
      [](Config& c) { front(c).gateways = {address("10.77.0.254"), address("fe80::1")}; },
      [](Config& c) { own(c, interface("10.77.0.2/31")), front(c).gateways = {address("10.77.0.3")}; c.services.clear(); },
      [](Config& c) { route(c, "0.0.0.0", 0, "10.77.0.254"), route(c, "2001:db8::", 32, "fe80::1"); },
      [](Config& c) { c.services[0].listen = {endpoint("0.0.0.0:65535"), endpoint("[::]:1")}; },
      [](Config& c) { c.services[0].listen = {endpoint("0.0.0.0:80"), endpoint("[::]:80"), endpoint("10.77.0.1:81")}; },
      [](Config& c) { c.services[0].name.clear(), c.services.emplace_back(); },
      [](Config& c) { c.tcp.seed = UINT64_MAX; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Config config = usual();
    changes[i](config);
    EXPECT_EQ(said_of(config), "") << i;
  }
}

// Before anything is started.
TEST(EngineCreate, RefusesWhatACommandLineWouldRefuse) {
  const auto refused = [](const Config& config) {
    const auto engine = Engine::create(config);
    return engine.ok() ? std::string("created") : std::string(errno_name(engine.error().code)) + " " + engine.error().message;
  };
  Config config = usual();
  config.tcp.msl_ms = 0;
  EXPECT_EQ(refused(config), "EINVAL tcp.msl_ms is 1 to 3600000, not 0");
  config = usual();
  config.services[0].backlog = 0;
  EXPECT_EQ(refused(config), "EINVAL service.web.backlog is 1 to 1048576, not 0");
  config = usual();
  config.tcp.buffers = 300;
  EXPECT_EQ(refused(config),
            "EINVAL tcp.buffers: 300 packet buffers are too few for 1 shard(s) on 1 port(s); write 4096 or more, or \"auto\"");
}

}  // namespace
}  // namespace sluice::lib
