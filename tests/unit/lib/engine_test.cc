// SPDX-License-Identifier: BSD-3-Clause
// The engine itself on a device that is nothing. DPDK starts once a process, so there is one test that starts it.
#include "sluice/engine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "support/idle_service.h"

namespace sluice {
namespace {

Config nothing() {
  Config config;
  config.dpdk.instance = "sluice-test-" + std::to_string(::getpid());
  config.dpdk.hugepages = Hugepages::kOff;
  config.tcp.max_connections = 100;
  config.tcp.syn_cache = 100;
  config.tcp.buffers = 4096;
  config.ports.resize(1);
  config.ports[0].device = "net_null0";
  config.ports[0].addresses = {InterfaceAddress::parse("10.77.0.1/24").value()};
  return config;
}

#ifndef __SANITIZE_ADDRESS__  // whose shadow is more address space than any limit
// Comes first, so that its child has a DPDK to start. Where there is memory, and a limit on the address space is in the way.
TEST(EngineOnNothing, SaysThatTheKernelGivesNoMemoryForConnections) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Config config = nothing();
    config.tcp.max_connections = 3'000'000;
    const rlimit tight{std::size_t{1} << 30U, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &tight) != 0) ::_exit(2);
    const auto engine = Engine::create(config);
    const bool told = !engine.ok() && engine.error().code == Errc::kNoMemory &&
                      engine.error().message.starts_with("tcp.max_connections: the kernel does not give the memory for 3000000 ");
    if (!told) std::fprintf(stderr, "%s\n", engine.ok() ? "created" : engine.error().message.c_str());
    ::_exit(told ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::filesystem::remove_all("/var/run/dpdk/sluice-test-" + std::to_string(child));
}
#endif

TEST(EngineOnNothing, IsCreatedFromGoodValuesAndRefusesAServiceOfBadOnes) {
  Config config = nothing();
  config.dpdk.instance.resize(limits::kInstanceBytes.max, 'x');  // DPDK has room for the longest name
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
  (*engine)->stop();
  EXPECT_TRUE((*engine)->run({}).ok()) << "nobody needs to be told";
}

}  // namespace
}  // namespace sluice
