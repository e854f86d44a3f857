// SPDX-License-Identifier: BSD-3-Clause
// What a connection costs, all included, counted in memory that was really touched: two hosts open many connections to each other,
// over IPv4 and IPv6, talk and fall silent, and the bytes of every slab and of the table are added up.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
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

struct Load {
  std::uint32_t connections;
  bool v6;
};

struct MemoryTest : testing::TestWithParam<Load> {
  static HostConfig config(int i) {
    HostConfig c;
    c.addresses = {i == 0 ? "10.0.0.1/8" : "10.0.0.2/8", i == 0 ? "fd00::1/64" : "fd00::2/64"};
    for (int extra = 1; i == 1 && extra <= 8; ++extra) {
      c.addresses.push_back(fmt::format("10.1.0.{}/8", extra));
      c.addresses.push_back(fmt::format("fd00::1:{}/64", extra));
    }
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
    EXPECT_TRUE(server.listen(served, local(), {}, 1'000'000).ok());
  }
  static Endpoint local() { return Endpoint::parse(GetParam().v6 ? "[fd00::1]:80" : "10.0.0.1:80").value(); }

  // Every second frame comes late: some text is out of order, and what is outstanding is acknowledged in stretches.
  static bool carry(Host& from, Host& to, Instant now) {
    const auto frames = from.take_sent();
    for (const std::size_t first : {0U, 1U}) {
      for (std::size_t i = first; i < frames.size(); i += 2) to.receive(frames[i], now);
    }
    return !frames.empty();
  }
  void exchange() {
    while (carry(client, server, now) || carry(server, client, now)) {
    }
  }
  void exchange_syn_only() {
    for (const auto& frame : client.take_sent()) server.receive(frame, now);
    for (const auto& frame : server.take_sent()) {
      // ARP and neighbour discovery only: the SYN|ACK is lost.
      const bool arp = frame[12] == 0x08 && frame[13] == 0x06;
      const bool icmpv6 = frame[12] == 0x86 && frame[20] == 58;
      if (arp || icmpv6) client.receive(frame, now);
    }
  }
  void pass(Duration time) {
    for (const Instant end = now + time; now < end;) {
      now = now + Duration::milliseconds(100);
      server.advance(now);
      client.advance(now);
      exchange();
    }
  }
  enum class Until { kHalfOpen, kEstablished, kIdle };
  void open(Until until) {
    for (std::uint32_t i = 0; i < GetParam().connections; ++i) {
      const std::string address = fmt::format(fmt::runtime(GetParam().v6 ? "[fd00::1:{}]" : "10.1.0.{}"), 1 + i % 8);
      const Endpoint from = Endpoint::parse(fmt::format("{}:{}", address, 1024 + i / 8)).value();
      ASSERT_TRUE(client.connect(opened, local(), from, {}).ok());
      if (until == Until::kHalfOpen) {
        exchange_syn_only();
        continue;
      }
      exchange();
      if (until == Until::kIdle) talk(i);
    }
    if (until == Until::kIdle) pass(Duration::seconds(15));
  }
  // Both ends of the connection just opened send; a hundred a second do.
  void talk(std::uint32_t i) {
    const std::vector<std::byte> text(i < 2 ? 200'000 : 5'000);  // BBR's first, CUBIC's first
    for (Connection c : {opened.connections.back(), served.connections.back()}) {
      if (i % 50 == 0) {
        ASSERT_TRUE(c.set(Option::kCongestion, static_cast<std::int64_t>(CongestionControl::kBbr)).ok());
      }
      ASSERT_EQ(c.send(text), text.size());
      exchange();
    }
    if (i % 100 == 0) pass(Duration::seconds(1));
  }

  // Everything that connections of all kinds have touched.
  static double bytes_of(Host& host) {
    const stack::Slabs& slabs = host.stack().slabs();
    const auto touched = [](const auto& slab) { return static_cast<double>(slab.high_water()) * sizeof(slab[0]); };
    const double opened_ms = static_cast<double>(slabs.tcbs.high_water()) * sizeof(std::uint32_t);
    return touched(slabs.tcbs) + opened_ms + touched(slabs.half_opens) + touched(slabs.time_waits) + touched(slabs.sides) +
           touched(slabs.congestion) + touched(slabs.models) + touched(slabs.maps) + touched(slabs.more_sends) +
           static_cast<double>(host.stack().table().stats().bytes);
  }
  [[nodiscard]] double table_share() { return static_cast<double>(server.stack().table().stats().bytes); }

  Instant now = Instant{} + Duration::milliseconds(1);
  Holder served, opened;
  Host server, client;
};

TEST_P(MemoryTest, AnIdleConnectionTakesAtMost256Bytes) {
  const std::uint32_t n = GetParam().connections;
  open(Until::kIdle);
  for (Host* host : {&server, &client}) {
    const stack::Slabs& slabs = host->stack().slabs();
    ASSERT_EQ(slabs.tcbs.used(), n);
    EXPECT_EQ(host->stack().states()[static_cast<std::size_t>(State::kEstablished)], n);
    // They were in use while text was on its way, and idle means that nothing is.
    for (const auto& [high_water, used] :
         {std::pair{slabs.sides.high_water(), slabs.sides.used()}, std::pair{slabs.congestion.high_water(), slabs.congestion.used()},
          std::pair{slabs.models.high_water(), slabs.models.used()}, std::pair{slabs.maps.high_water(), slabs.maps.used()},
          std::pair{slabs.more_sends.high_water(), slabs.more_sends.used()}}) {
      EXPECT_GT(high_water, 0U);
      EXPECT_EQ(used, 0U) << "after " << high_water << " at once, " << (host == &server ? "server" : "client");
    }
    const double bytes = bytes_of(*host) / n;
    EXPECT_GT(bytes, sizeof(tcp::Tcb));
    EXPECT_LE(bytes, 256.0);
    RecordProperty(host == &server ? "bytes_a_connection" : "bytes_a_connection_of_ours", std::to_string(bytes));
  }
}

TEST_P(MemoryTest, AHalfOpenConnectionTakesAtMost64Bytes) {
  open(Until::kHalfOpen);
  ASSERT_EQ(server.stack().slabs().half_opens.used(), GetParam().connections);
  EXPECT_LE(bytes_of(server) / GetParam().connections, 64.0);
}

TEST_P(MemoryTest, ATimeWaitRecordTakesAtMost64Bytes) {
  open(Until::kEstablished);
  for (const Connection& connection : served.connections) {
    Connection(connection).close();  // the server first: TIME_WAIT is its
    exchange();
  }
  ASSERT_EQ(server.stack().slabs().time_waits.used(), GetParam().connections);
  EXPECT_EQ(server.stack().slabs().tcbs.used(), 0U);
  const double bytes = static_cast<double>(server.stack().slabs().time_waits.high_water()) * sizeof(tcp::TimeWait) + table_share();
  EXPECT_LE(bytes / GetParam().connections, 64.0);
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
INSTANTIATE_TEST_SUITE_P(Sizes, MemoryTest,
                         testing::Values(Load{5000, false}, Load{16'400, false}, Load{40'000, false}, Load{66'000, false},
                                         Load{5000, true}, Load{16'400, true}),
                         [](const auto& load) { return fmt::format("v{}_{}", load.param.v6 ? 6 : 4, load.param.connections); });

}  // namespace
}  // namespace sluice::test
