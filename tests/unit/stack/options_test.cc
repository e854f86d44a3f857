// SPDX-License-Identifier: BSD-3-Clause
// Which options listen(), connect(), set() and set_listener() take: the extreme values of each, and none beyond.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sluice/listener.h"
#include "support/host.h"
#include "support/idle_service.h"

namespace sluice::test {
namespace {

struct Options : testing::Test {
  Options() { host.add_service(service); }
  Result<ListenerId> listen(const SocketOptions& options) {
    return host.listen(service, {IpAddress::v4(10, 0, 0, 1), port++}, options, 1);
  }
  Result<Connection> connect(const SocketOptions& options) {
    return host.connect(service, {IpAddress::v4(10, 0, 0, 9), 80}, {IpAddress::v4(0, 0, 0, 0), 0}, options);
  }
  IdleService service;
  Host host{HostConfig{}};
  std::uint16_t port = 1000;
};

struct Row {
  const char* name;
  limits::Range range;
  std::function<void(SocketOptions&, std::int64_t)> put;
  bool zero_too = false;
};

template <typename T>
std::function<void(SocketOptions&, std::int64_t)> put(T SocketOptions::* field) {
  return [field](SocketOptions& options, std::int64_t value) { options.*field = static_cast<T>(value); };
}

std::function<void(SocketOptions&, std::int64_t)> put(std::uint32_t KeepaliveConfig::* field) {
  return [field](SocketOptions& options, std::int64_t value) { options.keepalive.*field = static_cast<std::uint32_t>(value); };
}

// The numbers stand here once more: what is refused is a promise of the interface.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"keepalive.idle_s", {1, 32767}, put(&KeepaliveConfig::idle_s)},
      {"keepalive.interval_s", {1, 32767}, put(&KeepaliveConfig::interval_s)},
      {"keepalive.probes", {1, 127}, put(&KeepaliveConfig::probes)},
      {"mss", {88, 65495}, put(&SocketOptions::mss), true},
      {"rcvbuf", {256, 1 << 30}, put(&SocketOptions::rcvbuf), true},
      {"sndbuf", {256, 1 << 30}, put(&SocketOptions::sndbuf), true},
      {"user_timeout_ms", {0, 0x7fffffff}, put(&SocketOptions::user_timeout_ms)},
      {"idle_timeout_s", {0, 86400}, put(&SocketOptions::idle_timeout_s)},
      {"linger_s", {-1, 32767}, put(&SocketOptions::linger_s)},
      {"congestion_control", {0, 3}, put(&SocketOptions::congestion_control)},
      {"ttl", {1, 255}, put(&SocketOptions::ttl)},
      {"dscp", {0, 63}, put(&SocketOptions::dscp)},
  };
  return all;
}

TEST_F(Options, ListenAndConnectTakeTheExtremesOfEach) {
  for (const Row& row : rows()) {
    std::vector<std::int64_t> good = {row.range.min, row.range.max};
    if (row.zero_too) good.push_back(0);
    for (const std::int64_t value : good) {
      SocketOptions options;
      row.put(options, value);
      EXPECT_TRUE(listen(options).ok()) << row.name << " " << value;
      EXPECT_TRUE(connect(options).ok()) << row.name << " " << value;
    }
  }
}

// What connect() took of the first bytes is all of them that sndbuf has room for, or there is no connection.
TEST_F(Options, ConnectFailsWithoutBuffersForItsFirstBytes) {
  HostConfig few;
  few.buffers = 700;
  Host poor(few);
  poor.add_service(service);
  const std::vector<std::byte> text(300'000);
  SocketOptions options;
  options.sndbuf = 1'000'000;
  options.first_bytes = text;
  const auto made = poor.connect(service, {IpAddress::v4(10, 0, 0, 9), 80}, {IpAddress::v4(0, 0, 0, 0), 0}, options);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, Errc::kNoMemory);
  EXPECT_EQ(poor.stack().slabs().tcbs.used(), 0U);
  EXPECT_EQ(poor.stack().bufs().in_use(), 0U);
  options.first_bytes = std::span(text).first(1000);
  EXPECT_TRUE(poor.connect(service, {IpAddress::v4(10, 0, 0, 9), 80}, {IpAddress::v4(0, 0, 0, 0), 0}, options).ok());
}

TEST_F(Options, ListenAndConnectRefuseWhatLiesBeyondAndSayWhichAndWhy) {
  for (const Row& row : rows()) {
    std::vector<std::int64_t> bad;
    if (row.range.min != 0) bad.push_back(row.range.min - 1);
    if (row.range.max != 255) bad.push_back(row.range.max + 1);  // of eight bits
    EXPECT_FALSE(bad.empty()) << row.name;
    for (const std::int64_t value : bad) {
      SocketOptions options;
      row.put(options, value);
      const std::string said = std::string(row.name) + " is " + (row.zero_too ? "0 or " : "") + std::to_string(row.range.min) + " to " +
                               std::to_string(row.range.max) + ", not " + std::to_string(value);
      const auto listener = listen(options);
      ASSERT_FALSE(listener.ok()) << said;
      EXPECT_EQ(listener.error().code, Errc::kInvalid);
      EXPECT_EQ(listener.error().message, said);
      const auto opened = connect(options);
      ASSERT_FALSE(opened.ok()) << said;
      EXPECT_EQ(opened.error().message, said);
    }
  }
  EXPECT_TRUE(host.take_sent().empty());
}

TEST_F(Options, SetAndSetListenerTakeTheSameRanges) {
  const ListenerId listener = listen({}).value();
  Connection connection = connect({}).value();
  int options = 0;
  for (int i = 0; option_range(static_cast<Option>(i)).max > 0; ++i, ++options) {
    const auto option = static_cast<Option>(i);
    const limits::Range range = option_range(option);
    for (const std::int64_t value : {range.min, range.max}) {
      EXPECT_TRUE(connection.set(option, value).ok()) << i << " " << value;
      EXPECT_TRUE(host.set_listener(listener, option, value).ok()) << i << " " << value;
      // Of the MSS it tells what segments have, not what was asked for.
      EXPECT_TRUE(option == Option::kMss || connection.get(option).value() == value) << i << " " << value;
    }
    for (const std::int64_t value : {range.min - 1, range.max + 1, std::int64_t{INT64_MIN}, std::int64_t{INT64_MAX}}) {
      EXPECT_EQ(connection.set(option, value).error().code, Errc::kInvalid) << i << " " << value;
      EXPECT_EQ(host.set_listener(listener, option, value).error().code, Errc::kInvalid) << i << " " << value;
    }
  }
  EXPECT_EQ(options, 15);
  EXPECT_EQ(connection.set(Option::kKeepcnt, 128).error().message, "keepcnt is 1 to 127, not 128");
  EXPECT_EQ(connection.set(static_cast<Option>(15), 0).error().code, Errc::kNoProtocolOption);
}

}  // namespace
}  // namespace sluice::test
