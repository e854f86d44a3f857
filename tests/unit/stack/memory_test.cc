// SPDX-License-Identifier: BSD-3-Clause
// What a connection costs, all included, counted in memory that was really touched: two hosts
// open many connections to each other, and the bytes of every slab and of the table are added up.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/host.h"

namespace sluice::test {
namespace {

struct Holder final : Service {
  void on_accept(Connection c, ListenerId) override { connections.push_back(c); }
  void on_connected(Connection c) override { connections.push_back(c); }
  void on_readable(Connection c) override {
    while (!c.receive().empty()) {
    }
    if (c.eof()) c.close();
  }
  std::vector<Connection> connections;
};

struct MemoryTest : testing::TestWithParam<std::uint32_t> {
  static HostConfig config(int i) {
    HostConfig c;
    c.addresses = {i == 0 ? "10.0.0.1/8" : "10.0.0.2/8"};
    for (int extra = 0; i == 1 && extra < 8; ++extra) c.addresses.push_back("10.1.0." + std::to_string(extra + 1) + "/8");
    c.mac = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(i + 1)};
    c.buffers = 4096;
    c.stack.max_connections = 300'000;
    c.stack.syn_cache = 300'000;
    c.stack.msl_ms = 100'000;
    return c;
  }
  MemoryTest() : server(config(0)), client(config(1)) {
    server.add_service(served);
    client.add_service(opened);
    EXPECT_TRUE(server.listen(served, Endpoint::parse("10.0.0.1:80").value(), {}, 1'000'000).ok());
  }
  void exchange() {
    for (bool any = true; any;) {
      any = false;
      for (const auto& frame : client.take_sent()) { server.receive(frame, now); any = true; }
      for (const auto& frame : server.take_sent()) { client.receive(frame, now); any = true; }
    }
  }
  void open(std::uint32_t n, bool finish) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const Endpoint from{IpAddress::v4(10, 1, 0, static_cast<std::uint8_t>(1 + i % 8)), static_cast<std::uint16_t>(1024 + i / 8)};
      ASSERT_TRUE(client.connect(opened, Endpoint::parse("10.0.0.1:80").value(), from, {}).ok());
      if (finish) {
        exchange();
      } else {
        exchange_syn_only();
      }
    }
  }
  void exchange_syn_only() {
    for (const auto& frame : client.take_sent()) server.receive(frame, now);
    for (const auto& frame : server.take_sent()) {
      if (frame[12] == 0x08 && frame[13] == 0x06) client.receive(frame, now);  // ARP only: the SYN|ACK is lost
    }
  }
  [[nodiscard]] double table_share() { return static_cast<double>(server.stack().table().stats().bytes); }

  Instant now = Instant{} + Duration::milliseconds(1);
  Holder served, opened;
  Host server, client;
};

TEST_P(MemoryTest, AnIdleConnectionTakesAtMost256Bytes) {
  open(GetParam(), true);
  ASSERT_EQ(server.stack().slabs().tcbs.used(), GetParam());
  EXPECT_EQ(server.stack().slabs().sides.used(), 0U) << "idle means nothing queued";
  EXPECT_EQ(server.stack().slabs().maps.used(), 0U);
  const auto& slabs = server.stack().slabs();
  const double bytes = static_cast<double>(slabs.tcbs.high_water()) * (sizeof(tcp::Tcb) + sizeof(std::uint32_t)) + table_share();
  EXPECT_LE(bytes / GetParam(), 256.0);
  RecordProperty("bytes_a_connection", std::to_string(bytes / GetParam()));
}

TEST_P(MemoryTest, AHalfOpenConnectionTakesAtMost64Bytes) {
  open(GetParam(), false);
  ASSERT_EQ(server.stack().slabs().half_opens.used(), GetParam());
  const double bytes = static_cast<double>(server.stack().slabs().half_opens.high_water()) * sizeof(tcp::HalfOpen) + table_share();
  EXPECT_LE(bytes / GetParam(), 64.0);
}

TEST_P(MemoryTest, ATimeWaitRecordTakesAtMost64Bytes) {
  open(GetParam(), true);
  for (const Connection& connection : served.connections) {
    Connection(connection).close();  // the server first: TIME_WAIT is its
    exchange();
  }
  ASSERT_EQ(server.stack().slabs().time_waits.used(), GetParam());
  EXPECT_EQ(server.stack().slabs().tcbs.used(), 0U);
  const double bytes = static_cast<double>(server.stack().slabs().time_waits.high_water()) * sizeof(tcp::TimeWait) + table_share();
  EXPECT_LE(bytes / GetParam(), 64.0);
}

// Tcb::congestion is an index of 16 bits, its largest value says "none": more blocks could not be named.
TEST(Memory, CongestionBlocksCanAllBeNamed) {
  for (const std::uint32_t connections : {1U, 65'534U, 65'535U, 65'536U, 70'000U, 300'000U}) {
    HostConfig config;
    config.buffers = 1024;
    config.stack.max_connections = connections;
    Host host(config);
    EXPECT_GE(host.stack().slabs().congestion.capacity(), std::min<std::uint32_t>(connections, tcp::kNoCongestionState));
    EXPECT_LE(host.stack().slabs().congestion.capacity(), tcp::kNoCongestionState) << connections << " connections";
  }
}

// Just after a doubling and in between: the table's share is largest where it has just grown.
INSTANTIATE_TEST_SUITE_P(Sizes, MemoryTest, testing::Values(5000U, 16'400U, 40'000U, 66'000U));

}  // namespace
}  // namespace sluice::test
