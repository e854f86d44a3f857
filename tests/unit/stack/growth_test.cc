// SPDX-License-Identifier: BSD-3-Clause
// Connections opened while the table grows under them: every segment still finds its record.
#include <gtest/gtest.h>

#include "sluice/listener.h"
#include "support/host.h"

namespace sluice::test {
namespace {

constexpr int kConnections = 3000;
constexpr int kInFlight = 16;

class Counting final : public Service {
 public:
  void on_accept(Connection, ListenerId) override { ++accepted; }
  void on_connected(Connection) override { ++connected; }
  void on_readable(Connection) override {}
  void on_closed(Connection, Errc) override { ++closed; }
  int accepted = 0, connected = 0, closed = 0;
};

HostConfig host_config(std::uint8_t last) {
  HostConfig config;
  config.addresses = {"10.0.0." + std::to_string(last) + "/24"};
  config.mac[5] = last;
  config.seed = last;
  config.stack.max_connections = kConnections;
  return config;
}

// Carries frames both ways until neither host has any.
void exchange(Host& a, Host& b, Instant now) {
  for (bool moved = true; moved;) {
    moved = false;
    for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      for (const auto& frame : from->take_sent()) {
        to->receive(frame, now);
        moved = true;
      }
    }
  }
}

// An insert may split the bucket of the record that is being inserted, on the side of the
// passive opens as on that of the active ones.
TEST(Growth, EveryHandshakeEndsWhileTheTableGrows) {
  Counting servers, clients;
  Host server(host_config(1)), client(host_config(2));
  server.add_service(servers);
  client.add_service(clients);
  ASSERT_TRUE(server.listen(servers, Endpoint::parse("10.0.0.1:80").value(), {}, 65535).ok());
  const Instant now;
  for (int opened = 0; opened < kConnections;) {
    // The first alone: few packets may wait for the neighbour's address.
    const int in_flight = opened == 0 ? 1 : kInFlight;
    for (int i = 0; i < in_flight && opened < kConnections; ++i, ++opened) {
      ASSERT_TRUE(client.connect(clients, Endpoint::parse("10.0.0.1:80").value(), {IpAddress::v4(0, 0, 0, 0), 0}, {}).ok());
    }
    exchange(client, server, now);
  }
  EXPECT_EQ(clients.connected, kConnections);
  EXPECT_EQ(servers.accepted, kConnections);
  EXPECT_EQ(clients.closed, 0);
  EXPECT_EQ(server.stack().counters().mib.OutRsts, 0U);
  EXPECT_EQ(client.stack().counters().mib.OutRsts, 0U);
}

}  // namespace
}  // namespace sluice::test
