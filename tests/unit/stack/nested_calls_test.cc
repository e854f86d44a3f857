// SPDX-License-Identifier: BSD-3-Clause
// Calls that an application makes while it is told of something else.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/listener.h"
#include "support/host.h"

namespace sluice::test {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// Keeps its connections and does what the test says when there is something to read.
struct App final : Service {
  void on_accept(Connection c, ListenerId) override { all.push_back(c); }
  void on_connected(Connection c) override { all.push_back(c); }
  void on_readable(Connection c) override {
    if (readable) return readable(c);
    std::byte out[64];
    read += c.receive(out);
    if (c.eof()) c.close();
  }
  void on_closed(Connection c, Errc reason) override {
    reasons.push_back(reason);
    if (closed) closed(c);
  }
  std::function<void(Connection)> readable, closed;
  std::vector<Connection> all;
  std::vector<Errc> reasons;
  std::size_t read = 0;
};

HostConfig host_config(std::uint8_t last) {
  HostConfig config;
  config.addresses = {"10.0.0." + std::to_string(last) + "/24"};
  config.mac[5] = last;
  config.seed = last;
  config.stack.msl_ms = 5000;
  return config;
}

class NestedCalls : public testing::Test {
 protected:
  NestedCalls() {
    server_.add_service(served_);
    client_.add_service(clients_);
    EXPECT_TRUE(server_.listen(served_, kServer, {}, 100).ok());
  }
  // Carries frames both ways until neither host has any.
  void exchange() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto [from, to] : {std::pair(&client_, &server_), std::pair(&server_, &client_)}) {
        for (const auto& frame : from->take_sent()) {
          to->receive(frame, now_);
          moved = true;
        }
      }
      ASSERT_EQ(server_.broken_invariant(), nullptr);
      ASSERT_EQ(client_.broken_invariant(), nullptr);
    }
  }
  void connect(Endpoint from = {IpAddress::v4(0, 0, 0, 0), 0}) {
    ASSERT_TRUE(client_.connect(clients_, kServer, from, {}).ok());
    exchange();
  }

  const Endpoint kServer = Endpoint::parse("10.0.0.1:80").value();
  App served_, clients_;
  Host server_{host_config(1)}, client_{host_config(2)};
  Instant now_{};
};

// The RST of the connection whose event it is leaves on that connection, whatever is done to another one next.
TEST_F(NestedCalls, AbortInACallbackResetsThatConnection) {
  connect();
  connect();
  served_.readable = [&](Connection c) {
    c.abort();
    EXPECT_EQ(served_.all[1].send(bytes_of("farewell")), 8U);
  };
  clients_.all[0].send(bytes_of("x"));
  exchange();
  EXPECT_EQ(clients_.reasons, std::vector{Errc::kConnectionReset});
  EXPECT_FALSE(clients_.all[0].valid());
  EXPECT_TRUE(clients_.all[1].valid());
  EXPECT_EQ(clients_.read, 8U);
}

// So does that of a close() with bytes unread.
TEST_F(NestedCalls, CloseUnreadInACallbackResetsThatConnection) {
  connect();
  connect();
  served_.readable = [&](Connection c) {
    c.close();
    served_.all[1].close();
  };
  clients_.all[0].send(bytes_of("x"));
  exchange();
  EXPECT_EQ(clients_.reasons, std::vector{Errc::kConnectionReset});
  EXPECT_TRUE(clients_.all[1].eof() || !clients_.all[1].valid());
}

TEST_F(NestedCalls, ResetOfTheServiceInACallbackResetsEveryConnection) {
  for (int i = 0; i < 3; ++i) connect();
  served_.readable = [&](Connection) { server_.reset_service(served_); };
  clients_.all[0].send(bytes_of("x"));
  exchange();
  EXPECT_EQ(clients_.reasons, (std::vector{Errc::kConnectionReset, Errc::kConnectionReset, Errc::kConnectionReset}));
  EXPECT_EQ(server_.leftover(), nullptr);
}

// Records whose TIME_WAIT is over are cleared a few at a time: none of those gives way to a connection as well.
TEST_F(NestedCalls, ConnectFromATimersCallbackWhereATimeWaitHasJustEnded) {
  const Endpoint from{IpAddress::parse("10.0.0.2").value(), 5000};
  connect(from);
  clients_.all[0].close();
  exchange();
  ASSERT_EQ(client_.stack().slabs().time_waits.used(), 1U);
  // Nobody answers the other one, which gives up at the same time as the TIME_WAIT ends, or a little later.
  SocketOptions impatient;
  impatient.user_timeout_ms = 10'000;
  now_ = now_ + Duration::milliseconds(1);
  client_.advance(now_);
  ASSERT_TRUE(client_.connect(clients_, Endpoint::parse("10.0.0.99:80").value(), {IpAddress::v4(0, 0, 0, 0), 0}, impatient).ok());
  (void)client_.take_sent();
  int opened = 0;
  clients_.closed = [&](Connection) { opened += client_.connect(clients_, kServer, from, {}).ok() ? 1 : 0; };
  // The last jump meets the end of both.
  for (const int ms : {1500, 2000, 4000, 52'000}) {
    ASSERT_TRUE(clients_.reasons.empty());
    now_ = now_ + Duration::milliseconds(ms);
    client_.advance(now_);
    (void)client_.take_sent();
  }
  ASSERT_EQ(client_.broken_invariant(), nullptr);
  EXPECT_EQ(clients_.reasons, std::vector{Errc::kTimedOut});
  EXPECT_EQ(client_.stack().slabs().time_waits.used(), 0U);
  EXPECT_EQ(client_.stack().slabs().tcbs.used(), static_cast<std::uint32_t>(opened));
  // What is taken next is taken once.
  clients_.closed = nullptr;
  served_.readable = nullptr;
  connect({from.address, 5001});
  connect({from.address, 5002});
  for (const Connection c : {clients_.all[clients_.all.size() - 2], clients_.all.back()}) Connection(c).close();
  exchange();
  EXPECT_EQ(client_.stack().slabs().time_waits.used(), 2U);
  ASSERT_EQ(client_.broken_invariant(), nullptr);
}

}  // namespace
}  // namespace sluice::test
