// SPDX-License-Identifier: BSD-3-Clause
// Addresses that come and go, as a shard is told of them: what becomes of their connections, and of their places.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/host.h"

namespace sluice::test {
namespace {

struct Peer final : Service {
  void on_accept(Connection, ListenerId) override { ++accepted; }
  void on_connected(Connection) override { ++connected; }
  void on_readable(Connection) override {}
  void on_closed(Connection, Errc reason) override {
    ++closed;
    last = reason;
  }
  int accepted = 0, connected = 0, closed = 0;
  Errc last = Errc::kOk;
};

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

stack::Autoconfigured having(const std::vector<std::string>& addresses) {
  stack::Autoconfigured has;
  for (const std::string& address : addresses) has.addresses[has.n_addresses++] = {ip(address), false};
  has.on_link[has.n_on_link++] = {ip("fd99::"), 64};
  return has;
}

struct AutoconfigurationTest : testing::Test {
  static HostConfig config(bool server) {
    HostConfig c;
    c.addresses = {server ? "10.0.0.1/24" : "fd99::2/64"};
    c.mac = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(server ? 1 : 2)};
    c.slaac = server;
    c.stack.max_connections = 2048;
    c.stack.syn_cache = 2048;
    return c;
  }
  AutoconfigurationTest() : server(config(true)), client(config(false)) {
    server.add_service(served);
    client.add_service(opened);
    EXPECT_TRUE(server.listen(served, {IpAddress{}, 80}, {}, 4096).ok());
  }
  void TearDown() override {
    EXPECT_EQ(server.broken_invariant(), nullptr);
    EXPECT_EQ(client.broken_invariant(), nullptr);
  }
  void open(const std::string& address, int n) {
    for (int i = 0; i < n; ++i) {
      EXPECT_TRUE(client.connect(opened, {ip(address), 80}, {IpAddress{}, 0}, {}).ok());
      pump();
    }
  }
  void pump() {
    for (bool busy = true; busy;) {
      busy = false;
      for (const auto& frame : client.take_sent()) {
        server.receive(frame, now);
        busy = true;
      }
      for (const auto& frame : server.take_sent()) {
        client.receive(frame, now);
        busy = true;
      }
    }
  }
  void turn() {
    now = now + Duration::microseconds(10);
    server.advance(now);
  }

  Peer served, opened;
  Host server, client;
  Instant now = Instant{} + Duration::seconds(1);
};

TEST_F(AutoconfigurationTest, ConnectionsOfALostAddressEndSomeATurnAndInSilence) {
  server.stack().follow(0, having({"fd99::a", "fd99::b"}));
  open("fd99::a", 700);
  open("fd99::b", 300);
  ASSERT_EQ(served.accepted, 1000);
  const TcpStats before = server.stack().counters().mib;
  server.stack().follow(0, having({"fd99::b"}));
  EXPECT_EQ(served.closed, 0) << "not all within one call";
  for (const int expected : {256, 512, 700}) {
    EXPECT_LE(server.stack().next_deadline(now), now) << "it goes on by itself";
    turn();
    EXPECT_EQ(served.closed, expected);
    EXPECT_EQ(server.broken_invariant(), nullptr);
  }
  EXPECT_GT(server.stack().next_deadline(now), now);
  EXPECT_EQ(served.last, Errc::kAddressNotAvailable);
  EXPECT_TRUE(server.take_sent().empty());
  EXPECT_EQ(server.stack().live_connections(), 300U) << "those of the other address";
  const TcpStats after = server.stack().counters().mib;
  EXPECT_EQ(after.OutSegs, before.OutSegs);
  EXPECT_EQ(after.OutRsts, before.OutRsts);
  EXPECT_EQ(after.EstabResets, before.EstabResets + 700);
}

// The places are all taken until the last record of the old addresses is gone.
TEST_F(AutoconfigurationTest, NewAddressesTakeThePlacesOfLostOnesWhenThoseAreEmpty) {
  std::vector<std::string> some, others;
  for (int i = 1; i <= 9; ++i) {
    some.push_back("fd99::a:" + std::to_string(i));
    others.push_back("fd99::b:" + std::to_string(i));
  }
  server.stack().follow(0, having(some));
  for (const std::string& address : some) open(address, 40);
  ASSERT_EQ(served.accepted, 360);
  server.stack().follow(0, having(others));
  open(others[0], 1);
  EXPECT_EQ(opened.connected, 360) << "not there yet";
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(served.closed, 360);
  for (const std::string& address : others) open(address, 1);
  now = now + Duration::milliseconds(1100);  // the first is asked for once more
  client.advance(now);
  pump();
  EXPECT_EQ(opened.connected, 370);
  EXPECT_EQ(server.stack().live_connections(), 10U);
  EXPECT_FALSE(server.connect(served, {ip("fd99::2"), 9}, {ip(some[0]), 0}, {}).ok());
}

TEST_F(AutoconfigurationTest, WhatIsToldTwiceChangesNothing) {
  for (int i = 0; i < 3; ++i) server.stack().follow(0, having({"fd99::a"}));
  open("fd99::a", 10);
  server.stack().follow(0, having({"fd99::a"}));
  turn();
  EXPECT_EQ(served.closed, 0);
  EXPECT_EQ(server.stack().live_connections(), 10U);
}

TEST_F(AutoconfigurationTest, AnAddressThatComesBackAtOnceIsANewOne) {
  server.stack().follow(0, having({"fd99::a"}));
  open("fd99::a", 10);
  server.stack().follow(0, having({}));
  server.stack().follow(0, having({"fd99::a"}));
  open("fd99::a", 5);
  turn();
  turn();
  EXPECT_EQ(served.accepted, 15);
  EXPECT_EQ(served.closed, 10);
  EXPECT_EQ(server.stack().live_connections(), 5U);
}

}  // namespace
}  // namespace sluice::test
