// SPDX-License-Identifier: BSD-3-Clause
// The engine itself on a device that is nothing. DPDK starts once a process, so there is one test that starts it.
#include "sluice/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "support/idle_service.h"

namespace sluice {
namespace {

TEST(EngineOnNothing, IsCreatedFromGoodValuesAndRefusesAServiceOfBadOnes) {
  Config config;
  config.dpdk.instance = "sluice-test-" + std::to_string(::getpid());
  config.dpdk.instance.resize(limits::kInstanceBytes.max, 'x');  // DPDK has room for the longest name
  config.dpdk.hugepages = Hugepages::kOff;
  config.tcp.max_connections = 100;
  config.tcp.syn_cache = 100;
  config.tcp.buffers = 4096;
  config.ports.resize(1);
  config.ports[0].device = "net_null0";
  config.ports[0].addresses = {InterfaceAddress::parse("10.77.0.1/24").value()};
  const auto engine = Engine::create(config);
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  const auto factory = [](unsigned) { return std::make_unique<test::IdleService>(); };
  ServiceConfig service;
  service.name = "web";
  service.listen = {Endpoint::parse("10.77.0.1:80").value()};
  service.keepalive.probes = 0;
  const auto refused = (*engine)->add_service(service, factory);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  EXPECT_EQ(refused.error().message, "service.web.keepalive.probes is 1 to 127, not 0");
  service.keepalive.probes = 1;
  EXPECT_TRUE((*engine)->add_service(service, factory).ok());
}

}  // namespace
}  // namespace sluice
