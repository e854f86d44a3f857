// SPDX-License-Identifier: BSD-3-Clause
// A program of somebody else's: knows the installed headers and what pkg-config says.
#include <sluice/config.h>
#include <sluice/connection.h>
#include <sluice/engine.h>
#include <sluice/error.h>
#include <sluice/listener.h>
#include <sluice/stats.h>
#include <sluice/time.h>
#include <sluice/version.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

class Quiet final : public sluice::Service {
 public:
  void on_accept(sluice::Connection connection, sluice::ListenerId) override { connection.abort(); }
  void on_readable(sluice::Connection connection) override {
    if (connection.receive().empty()) connection.close();
  }
};

int failed(const char* what) {
  std::printf("embed: %s\n", what);
  return 1;
}

}  // namespace

int main() {
  if (std::strcmp(sluice::version(), PACKAGE_VERSION) != 0) return failed("version() is not the package's");
  const auto endpoint = sluice::Endpoint::parse("[fd77::1]:80");
  if (!endpoint || endpoint->to_string() != "[fd77::1]:80") return failed("Endpoint::parse does not read an endpoint");
  if (sluice::Endpoint::parse("10.77.0.1")) return failed("Endpoint::parse takes an endpoint without a port");
  const auto route = sluice::Route::parse("10.9.0.0/16 via 10.77.0.254");
  if (!route || route->to_string() != "10.9.0.0/16 via 10.77.0.254") return failed("Route::parse does not read a route");
  const auto algorithm = sluice::find_congestion_control("bbr");
  if (!algorithm || std::strcmp(sluice::congestion_control_name(*algorithm), "bbr") != 0) return failed("bbr has another name");
  const Quiet service;
  if (service.wants_poll()) return failed("a service polls unless it says so");
  sluice::Config many;
  many.ports.resize(1);
  many.ports[0].device = "net_null0";
  many.ports[0].addresses = {{*sluice::IpAddress::parse("239.1.2.3"), 24}};
  const auto refused = sluice::Engine::create(many);
  if (refused.ok() || refused.error().message.find("multicast") == std::string::npos) {
    return failed("Engine::create takes an address of many hosts");
  }
  many.ports[0].addresses = {{*sluice::IpAddress::parse("10.77.0.1"), 24}};
  many.tcp.msl_ms = 0;
  const auto never = sluice::Engine::create(many);
  if (never.ok() || never.error().message != "tcp.msl_ms is 1 to 3600000, not 0") {
    return failed("Engine::create takes a number that a configuration file may not hold");
  }
  sluice::Config config;
  config.dpdk.instance = "no/file/name";
  config.tcp.max_connections = 100;
  const auto engine = sluice::Engine::create(config);
  if (engine.ok()) return failed("Engine::create takes an impossible instance");
  std::printf("%s: %s\n", sluice::errno_name(engine.error().code), engine.error().message.c_str());
  return 0;
}
