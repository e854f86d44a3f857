// SPDX-License-Identifier: BSD-3-Clause
// Every file in config/ is something a person may start from: it must load.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "app/known_apps.h"
#include "cli/config_file.h"

namespace sluice::cli {
namespace {

std::vector<std::filesystem::path> samples() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SAMPLE_DIR)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(SampleConfig, EveryOneLoads) {
  const auto files = samples();
  EXPECT_GE(files.size(), 7U);
  for (const auto& file : files) {
    const LoadedConfig loaded = load_config(file.string());
    EXPECT_EQ(loaded.errors, std::vector<std::string>{}) << file;
    EXPECT_FALSE(loaded.config.services.empty()) << file;
  }
}

TEST(SampleConfig, TheReferenceStatesTheDefaults) {
  const LoadedConfig reference = load_config(SAMPLE_DIR "/reference.toml");
  const Config& given = reference.config;
  const Config defaults;
  EXPECT_EQ(given.dpdk.instance, defaults.dpdk.instance);
  EXPECT_EQ(given.dpdk.lcores, defaults.dpdk.lcores);
  EXPECT_EQ(given.dpdk.hugepages, defaults.dpdk.hugepages);
  EXPECT_EQ(given.dpdk.eal_args, defaults.dpdk.eal_args);
  EXPECT_EQ(given.drain_s, defaults.drain_s);
  EXPECT_EQ(given.log_level, defaults.log_level);
  EXPECT_EQ(given.tcp.msl_ms, defaults.tcp.msl_ms);
  EXPECT_EQ(given.tcp.keepalive.enabled, defaults.tcp.keepalive.enabled);
  EXPECT_EQ(given.tcp.keepalive.idle_s, defaults.tcp.keepalive.idle_s);
  EXPECT_EQ(given.tcp.keepalive.interval_s, defaults.tcp.keepalive.interval_s);
  EXPECT_EQ(given.tcp.keepalive.probes, defaults.tcp.keepalive.probes);
  EXPECT_EQ(given.tcp.syn_cookies, defaults.tcp.syn_cookies);
  EXPECT_EQ(given.tcp.congestion_control, defaults.tcp.congestion_control);
  EXPECT_EQ(given.tcp.pacing, defaults.tcp.pacing);
  EXPECT_EQ(given.tcp.ecn, defaults.tcp.ecn);
  EXPECT_EQ(given.tcp.fastopen, defaults.tcp.fastopen);
  EXPECT_EQ(given.tcp.max_connections, defaults.tcp.max_connections);
  EXPECT_EQ(given.tcp.syn_cache, defaults.tcp.syn_cache);
  EXPECT_EQ(given.tcp.buffers, defaults.tcp.buffers);
  EXPECT_EQ(given.tcp.rcvbuf, defaults.tcp.rcvbuf);
  EXPECT_EQ(given.tcp.sndbuf, defaults.tcp.sndbuf);
  EXPECT_EQ(given.tcp.ttl, defaults.tcp.ttl);
  EXPECT_EQ(given.tcp.dscp, defaults.tcp.dscp);
  EXPECT_EQ(given.tcp.seed, defaults.tcp.seed);
  EXPECT_EQ(given.ports.at(0).mtu, PortConfig{}.mtu);
  EXPECT_EQ(given.ports.at(0).vlan, PortConfig{}.vlan);
  EXPECT_EQ(given.ports.at(0).dad, PortConfig{}.dad);
  EXPECT_EQ(given.ports.at(0).router_advertisements, PortConfig{}.router_advertisements);
  EXPECT_EQ(given.ports.at(0).slaac, PortConfig{}.slaac);
  EXPECT_EQ(given.ports.at(0).rss, PortConfig{}.rss);
  EXPECT_EQ(given.ports.at(0).sources, PortConfig{}.sources);
  EXPECT_EQ(given.ports.at(0).gateways, PortConfig{}.gateways);
  EXPECT_EQ(given.ports.at(0).routes.size(), PortConfig{}.routes.size());
  EXPECT_EQ(given.services.at(0).backlog, ServiceConfig{}.backlog);
}

TEST(SampleConfig, EveryAppThatWorksIsShown) {
  std::set<std::string> shown;
  const LoadedConfig all = load_config(SAMPLE_DIR "/all-apps.toml");
  for (const ServiceConfig& service : all.config.services) shown.insert(service.app);
  for (const app::AppSpec& app : app::known_apps()) {
    EXPECT_EQ(shown.contains(std::string(app.name)), app.available) << app.name;
  }
}

}  // namespace
}  // namespace sluice::cli
