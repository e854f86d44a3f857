// SPDX-License-Identifier: BSD-3-Clause
#include "cli/config_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::cli {
namespace {

constexpr const char* kSmall = R"([[port]]
name = "front"
device = "net_af_packet0,iface=veth-s"
addresses = ["10.77.0.1/24", "fd77::1/64"]

[[service]]
name = "web"
listen = ["10.77.0.1:80", "[fd77::1]:80"]
app = "http"
)";

Config load(const std::string& text, const std::vector<std::string>& sets = {}) {
  const LoadedConfig loaded = parse_config(text, "test.toml", sets);
  EXPECT_EQ(loaded.errors, std::vector<std::string>{});
  return loaded.config;
}

TEST(ConfigFile, RoutesRoutersAndDuplicateDetectionOfAPort) {
  const Config config = load(kSmall, {R"(port.front.routes=["10.9.0.0/16 via 10.77.0.254", "2001:db8::/32 via fe80::1"])",
                                      "port.front.dad=false", "port.front.router_advertisements=false"});
  ASSERT_EQ(config.ports.at(0).routes.size(), 2U);
  EXPECT_EQ(config.ports.at(0).routes[0].to_string(), "10.9.0.0/16 via 10.77.0.254");
  EXPECT_EQ(config.ports.at(0).routes[1].to_string(), "2001:db8::/32 via fe80::1");
  EXPECT_FALSE(config.ports.at(0).dad);
  EXPECT_FALSE(config.ports.at(0).router_advertisements);
  EXPECT_TRUE(load(kSmall, {"port.front.slaac=true"}).ports.at(0).slaac);
  EXPECT_FALSE(load(kSmall).ports.at(0).slaac);
  EXPECT_TRUE(load(kSmall).ports.at(0).dad);
  EXPECT_TRUE(load(kSmall).ports.at(0).router_advertisements);
}

TEST(ConfigFile, APortWithSlaacNeedsNoAddress) {
  for (const char* addresses : {"", "addresses = []\n"}) {
    const std::string port = std::string("[[port]]\nname = \"front\"\ndevice = \"net_null0\"\nslaac = true\n") + addresses;
    const Config config = load(port + "gateway = [\"fe80::1\"]\n[[service]]\nname = \"web\"\nlisten = [\"[::]:80\"]\napp = \"http\"\n");
    EXPECT_TRUE(config.ports.at(0).slaac);
    EXPECT_TRUE(config.ports.at(0).addresses.empty());
  }
}

TEST(ConfigFile, SourcesOfConnectionsThatWeOpen) {
  const Config config = load(kSmall, {R"(port.front.addresses=["10.77.0.1/24", "10.77.0.2/24", "fd77::1/64"])",
                                      R"(port.front.sources=["10.77.0.2", "fd77::1"])"});
  ASSERT_EQ(config.ports.at(0).sources.size(), 2U);
  EXPECT_EQ(config.ports.at(0).sources[0], IpAddress::v4(10, 77, 0, 2));
  EXPECT_TRUE(load(kSmall).ports.at(0).sources.empty());
}

TEST(ConfigFile, WhatIsNotGivenHasTheDocumentedDefault) {
  const Config config = load(kSmall);
  EXPECT_EQ(config.dpdk.instance, "sluice");
  EXPECT_EQ(config.dpdk.lcores, "0");
  EXPECT_EQ(config.dpdk.hugepages, Hugepages::kAuto);
  EXPECT_EQ(config.drain_s, 10U);
  EXPECT_EQ(config.log_level, "info");
  EXPECT_EQ(config.ports.at(0).mtu, 1500);
  EXPECT_EQ(config.ports.at(0).mac, "");
  EXPECT_EQ(config.ports.at(0).rss, RssMode::kAuto);
  EXPECT_EQ(config.ports.at(0).vlan, 0);
  EXPECT_TRUE(config.ports.at(0).gateways.empty());
  EXPECT_EQ(config.tcp.msl_ms, 60000U);
  EXPECT_FALSE(config.tcp.keepalive.enabled);
  EXPECT_EQ(config.tcp.keepalive.idle_s, 7200U);
  EXPECT_EQ(config.tcp.keepalive.interval_s, 75U);
  EXPECT_EQ(config.tcp.keepalive.probes, 10U);
  EXPECT_EQ(config.tcp.syn_cookies, SynCookies::kAuto);
  EXPECT_EQ(config.tcp.congestion_control, CongestionControl::kCubic);
  EXPECT_EQ(config.tcp.max_connections, 1'000'000U);
  EXPECT_EQ(config.tcp.syn_cache, 65536U);
  EXPECT_EQ(config.tcp.buffers, 0U);
  EXPECT_EQ(config.tcp.rcvbuf, 262144U);
  EXPECT_EQ(config.tcp.sndbuf, 262144U);
  EXPECT_EQ(config.tcp.seed, 0U);
  const ServiceConfig& web = config.services.at(0);
  EXPECT_EQ(web.backlog, 65535U);
  EXPECT_EQ(web.idle_timeout_s, 60U) << "of http";
  EXPECT_TRUE(web.nodelay) << "http hands over whole answers";
  EXPECT_EQ(web.rcvbuf, 0U);
  EXPECT_TRUE(web.options.empty());
}

TEST(ConfigFile, EveryKeyOfTheEngineReachesItsPlace) {
  const Config config = load(R"(
[dpdk]
instance = "edge-1.a"
lcores = "0-1,3@2"
hugepages = false
eal_args = ["--log-level=lib.eal:debug", "-m512"]
[engine]
drain_s = 3
[log]
level = "debug"
[tcp]
msl_ms = 1000
keepalive = { enabled = true, idle_s = 60, interval_s = 5, probes = 3 }
syn_cookies = "never"
congestion_control = "newreno"
pacing = true
max_connections = 5000
syn_cache = 512
buffers = 12288
rcvbuf = 65535
sndbuf = 131072
ecn = true
fastopen = true
ttl = 255
dscp = 63
seed = 42
)" + std::string(kSmall));
  EXPECT_EQ(config.dpdk.instance, "edge-1.a");
  EXPECT_EQ(config.dpdk.lcores, "0-1,3@2");
  EXPECT_EQ(config.dpdk.hugepages, Hugepages::kOff);
  EXPECT_EQ(config.dpdk.eal_args, (std::vector<std::string>{"--log-level=lib.eal:debug", "-m512"}));
  EXPECT_EQ(config.drain_s, 3U);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.tcp.msl_ms, 1000U);
  EXPECT_TRUE(config.tcp.keepalive.enabled);
  EXPECT_EQ(config.tcp.keepalive.idle_s, 60U);
  EXPECT_EQ(config.tcp.keepalive.interval_s, 5U);
  EXPECT_EQ(config.tcp.keepalive.probes, 3U);
  EXPECT_EQ(config.tcp.syn_cookies, SynCookies::kNever);
  EXPECT_TRUE(config.tcp.pacing);
  EXPECT_EQ(config.tcp.max_connections, 5000U);
  EXPECT_EQ(config.tcp.syn_cache, 512U);
  EXPECT_EQ(config.tcp.buffers, 12288U);
  EXPECT_EQ(config.tcp.rcvbuf, 65535U);
  EXPECT_TRUE(config.tcp.ecn);
  EXPECT_EQ(config.tcp.sndbuf, 131072U);
  EXPECT_TRUE(config.tcp.fastopen);
  EXPECT_EQ(config.tcp.ttl, 255U);
  EXPECT_EQ(config.tcp.dscp, 63U);
  EXPECT_EQ(config.tcp.seed, 42U);
}

TEST(ConfigFile, EveryKeyOfAPortReachesItsPlace) {
  const Config config = load(R"([[port]]
name = "front"
device = "0000:00:03.0,mq=1"
addresses = ["10.77.0.1/24", "fd77::1/64"]
gateway = ["10.77.0.254", "fe80::1"]
mtu = 9000
mac = "02:00:00:00:77:0A"
rss = "software"
vlan = 7
)");
  const PortConfig& port = config.ports.at(0);
  EXPECT_EQ(port.name, "front");
  EXPECT_EQ(port.device, "0000:00:03.0,mq=1");
  ASSERT_EQ(port.addresses.size(), 2U);
  EXPECT_EQ(port.addresses[0].to_string(), "10.77.0.1/24");
  EXPECT_EQ(port.addresses[1].to_string(), "fd77::1/64");
  ASSERT_EQ(port.gateways.size(), 2U);
  EXPECT_EQ(port.gateways[0].to_string(), "10.77.0.254");
  EXPECT_EQ(port.gateways[1].to_string(), "fe80::1");
  EXPECT_EQ(port.mtu, 9000);
  EXPECT_EQ(port.mac, "02:00:00:00:77:0A");
  EXPECT_EQ(port.rss, RssMode::kSoftware);
  EXPECT_EQ(port.vlan, 7);
}

TEST(ConfigFile, EveryKeyOfAServiceReachesItsPlace) {
  const Config config = load(std::string(kSmall) + R"(backlog = 10
nodelay = false
rcvbuf = 4096
sndbuf = 8192
congestion_control = "bbr"
pacing = false
ttl = 1
idle_timeout_s = 5
keepalive = { enabled = true }
body_bytes = 1024
[tcp]
pacing = true
ttl = 33
dscp = 46
keepalive = { idle_s = 30 }
)");
  const ServiceConfig& web = config.services.at(0);
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.app, "http");
  ASSERT_EQ(web.listen.size(), 2U);
  EXPECT_EQ(web.listen[0].to_string(), "10.77.0.1:80");
  EXPECT_EQ(web.listen[1].to_string(), "[fd77::1]:80");
  EXPECT_EQ(web.backlog, 10U);
  EXPECT_FALSE(web.nodelay);
  EXPECT_EQ(web.rcvbuf, 4096U);
  EXPECT_EQ(web.sndbuf, 8192U);
  EXPECT_TRUE(web.keepalive.enabled);
  EXPECT_EQ(web.keepalive.idle_s, 30U) << "what the service leaves out is [tcp]'s";
  EXPECT_EQ(web.idle_timeout_s, 5U);
  EXPECT_EQ(web.congestion_control, CongestionControl::kBbr);
  EXPECT_FALSE(web.pacing) << "though [tcp] has it";
  EXPECT_EQ(web.ttl, 1U) << "though [tcp] has another";
  EXPECT_EQ(web.dscp, 46U) << "[tcp]'s";
  EXPECT_EQ(web.options.at("body_bytes"), "1024");
}

TEST(ConfigFile, EveryOptionOfEveryAppReachesTheApp) {
  const Config config = load(R"([[port]]
name = "front"
device = "net_tap0"
addresses = ["10.77.0.1/24"]
[[service]]
name = "chargen"
listen = ["10.77.0.1:19"]
app = "chargen"
bytes = 5000
[[service]]
name = "file"
listen = ["10.77.0.1:80"]
app = "http"
file = "/etc/hostname"
[[service]]
name = "root"
listen = ["10.77.0.1:81"]
app = "http"
root = "/srv"
time = "virtual"
[[service]]
name = "hold"
listen = ["10.77.0.1:82"]
app = "behave"
does = "half-close"
[[service]]
name = "day"
listen = ["10.77.0.1:13"]
app = "daytime"
time = "virtual"
[[service]]
name = "remote"
app = "remote"
socket = "/run/remote.sock"
)");
  ASSERT_EQ(config.services.size(), 6U);
  EXPECT_EQ(config.services[0].options, (AppOptions{{"bytes", "5000"}}));
  EXPECT_EQ(config.services[1].options, (AppOptions{{"file", "/etc/hostname"}}));
  EXPECT_EQ(config.services[2].options, (AppOptions{{"root", "/srv"}, {"time", "virtual"}}));
  EXPECT_EQ(config.services[3].options, (AppOptions{{"does", "half-close"}}));
  EXPECT_EQ(config.services[4].options, (AppOptions{{"time", "virtual"}}));
  EXPECT_EQ(config.services[5].options, (AppOptions{{"socket", "/run/remote.sock"}}));
  EXPECT_TRUE(config.services[5].listen.empty());
}

TEST(ConfigFile, AWildcardListensWhereAPortHasItsFamily) {
  std::string text = kSmall;
  text.replace(text.find("10.77.0.1:80"), 12, "0.0.0.0:80");
  text.replace(text.find("[fd77::1]:80"), 12, "[::]:80");
  EXPECT_EQ(load(text).services.at(0).listen.at(1).to_string(), "[::]:80");
}

TEST(ConfigFile, ServicesMayBeMissing) {
  const std::string text = kSmall;
  EXPECT_TRUE(load(text.substr(0, text.find("[[service]]"))).services.empty());
}

TEST(SetOption, ReplacesAddsAndReachesElementsByName) {
  const Config config = load(kSmall, {"tcp.msl_ms=1000", "port.front.mtu=9000", "service.web.backlog=10",
                                      "tcp.keepalive.idle_s=5", "service.web.keepalive.enabled=true",
                                      "service.web.body_bytes=7"});
  EXPECT_EQ(config.tcp.msl_ms, 1000U);
  EXPECT_EQ(config.ports.at(0).mtu, 9000);
  EXPECT_EQ(config.services.at(0).backlog, 10U);
  EXPECT_EQ(config.tcp.keepalive.idle_s, 5U);
  EXPECT_TRUE(config.services.at(0).keepalive.enabled);
  EXPECT_EQ(config.services.at(0).keepalive.idle_s, 5U);
  EXPECT_EQ(config.services.at(0).options.at("body_bytes"), "7");
}

TEST(ConfigFile, CoresMayBePlacedOnCpus) {
  for (const char* lcores : {"0", "0-3", "1,4-5", "0@1,1@0", "(0-1)@2", "(0,2)@(0-1),3"}) {
    EXPECT_EQ(load(kSmall, {std::string("dpdk.lcores=\"") + lcores + "\""}).dpdk.lcores, lcores);
  }
}

TEST(SetOption, TheLastOneWins) {
  EXPECT_EQ(load(kSmall, {"tcp.msl_ms=1000", "tcp.msl_ms=2000"}).tcp.msl_ms, 2000U);
  EXPECT_EQ(load(kSmall, {"tcp.keepalive.idle_s=5", "tcp.keepalive={probes=3}"}).tcp.keepalive.idle_s, 7200U);
}

TEST(SetOption, StringsNeedNoQuotes) {
  const Config config = load(kSmall, {"log.level=debug", "dpdk.lcores=1", "dpdk.instance=2026-11-20",
                                      "port.front.device=net_tap0,iface=\"x\"", "port.front.mac=02:00:00:00:00:01",
                                      "tcp.congestion_control=newreno", "service.web.file=/srv/a\\b"});
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.dpdk.lcores, "1");
  EXPECT_EQ(config.dpdk.instance, "2026-11-20");
  EXPECT_EQ(config.ports.at(0).device, "net_tap0,iface=\"x\"");
  EXPECT_EQ(config.ports.at(0).mac, "02:00:00:00:00:01");
  EXPECT_EQ(config.services.at(0).options.at("file"), "/srv/a\\b");
}

TEST(SetOption, ListsNeedNoBrackets) {
  const Config config = load(kSmall, {"port.front.addresses=10.77.0.1/16,fd77::1/48", "port.front.gateway=10.77.9.9",
                                      "service.web.listen=[\"10.77.0.1:8080\"]"});
  ASSERT_EQ(config.ports.at(0).addresses.size(), 2U);
  EXPECT_EQ(config.ports.at(0).addresses[1].to_string(), "fd77::1/48");
  EXPECT_EQ(config.ports.at(0).gateways.at(0).to_string(), "10.77.9.9");
  EXPECT_EQ(config.services.at(0).listen.at(0).port, 8080);
}

TEST(SetOption, RepairsWhatTheFileHasWrong) {
  const std::string text = "[tcp]\nmsl_ms = 0\n" + std::string(kSmall);
  EXPECT_FALSE(parse_config(text, "test.toml").errors.empty());
  EXPECT_EQ(load(text, {"tcp.msl_ms=5"}).tcp.msl_ms, 5U);
}

}  // namespace
}  // namespace sluice::cli
