// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/remote_request.h"

namespace sluice::app {
namespace {

Errc parse(std::string_view line, RemoteRequest& out) {
  out = RemoteRequest{};
  return parse_remote_line(line, out);
}

Errc parse(std::string_view line) {
  RemoteRequest request;
  return parse(line, request);
}

TEST(RemoteRequestTest, Listen) {
  RemoteRequest r;
  ASSERT_EQ(parse("listen [fd77::1]:80 backlog=3 rcvbuf=65535 linger_s=off\r", r), Errc::kOk);
  EXPECT_EQ(r.verb, Verb::kListen);
  EXPECT_EQ(r.endpoint.to_string(), "[fd77::1]:80");
  EXPECT_EQ(r.backlog, 3U);
  ASSERT_EQ(r.options.size(), 2U);
  EXPECT_EQ(r.options[0].first->name, "rcvbuf");
  EXPECT_EQ(r.options[0].second, 65535);
  EXPECT_EQ(r.options[1].second, -1);
  ASSERT_EQ(parse("listen 0.0.0.0:0", r), Errc::kOk);
  EXPECT_FALSE(r.backlog);
}

TEST(RemoteRequestTest, Connect) {
  RemoteRequest r;
  ASSERT_EQ(parse("connect 10.0.0.2:80 from=10.0.0.1:5 wait_ms=250 nodelay=1", r), Errc::kOk);
  EXPECT_EQ(r.from.to_string(), "10.0.0.1:5");
  EXPECT_EQ(r.wait, Duration::milliseconds(250));
  EXPECT_EQ(r.options.size(), 1U);
  ASSERT_EQ(parse("connect [fd77::2]:80", r), Errc::kOk);
  EXPECT_TRUE(r.from.address.is_any());
  EXPECT_FALSE(r.from.address.is_v4());
  EXPECT_EQ(parse("connect 10.0.0.2:0"), Errc::kInvalid);
  EXPECT_EQ(parse("connect 10.0.0.2:80 from=[fd77::1]:1"), Errc::kInvalid);
}

TEST(RemoteRequestTest, SendAndRecv) {
  RemoteRequest r;
  ASSERT_EQ(parse("send C7 00ffAb", r), Errc::kOk);
  EXPECT_EQ(r.handle.kind, 'C');
  EXPECT_EQ(r.handle.number, 7U);
  ASSERT_EQ(r.data.size(), 3U);
  EXPECT_EQ(r.data[1], std::byte{0xff});
  EXPECT_EQ(r.data[2], std::byte{0xab});
  ASSERT_EQ(parse("send C7 fill=1000", r), Errc::kOk);
  EXPECT_EQ(r.fill, 1000U);
  ASSERT_EQ(parse("send C7 fill=18446744073709551615", r), Errc::kOk) << "send takes what there is room for";
  EXPECT_EQ(parse("send C7 " + std::string(4U << 20U, '0'), r), Errc::kOk);
  EXPECT_EQ(r.data.size(), 2U << 20U);
  ASSERT_EQ(parse("recv C7 100 peek wait_ms=5", r), Errc::kOk);
  EXPECT_EQ(r.max, 100U);
  EXPECT_TRUE(r.peek);
  EXPECT_EQ(r.wait, Duration::milliseconds(5));
}

TEST(RemoteRequestTest, PollAsksForAllUnlessItNamesSome) {
  RemoteRequest r;
  ASSERT_EQ(parse("poll C1", r), Errc::kOk);
  EXPECT_TRUE(r.in && r.out);
  ASSERT_EQ(parse("poll L1 wait_ms=1 in", r), Errc::kOk);
  EXPECT_TRUE(r.in && !r.out);
  ASSERT_EQ(parse("shutdown C1 rdwr", r), Errc::kOk);
  EXPECT_TRUE(r.read && r.write);
  ASSERT_EQ(parse("shutdown C1 wr", r), Errc::kOk);
  EXPECT_TRUE(!r.read && r.write);
}

TEST(RemoteRequestTest, UnknownNamesAreNoProtocolOption) {
  for (const std::string_view line : {"set C1 colour 1", "get C1 colour", "listen 1.2.3.4:5 colour=1",
                                      "connect 1.2.3.4:5 colour=1", "set C1 state 1", "set C1 error 0"}) {
    EXPECT_EQ(parse(line), Errc::kNoProtocolOption) << line;
  }
}

TEST(RemoteRequestTest, WhatIsNotUnderstoodIsInvalid) {
  for (const std::string_view line :
       {"", " ", "fly", "listen", "listen 1.2.3.4", "listen 1.2.3.4:80 backlog=x", "listen 1.2.3.4:80 nodelay=2",
        "listen 1.2.3.4:80 nodelay", "listen 1.2.3.4:80 colour=1 nodelay=2", "accept", "accept C1", "accept L", "accept Lx",
        "accept L1 wait_ms=-1", "accept L1 peek", "send C1", "send C1 abc", "send C1 zz", "send C1 00 11", "send C1 fill=x",
        "send C1 fill=18446744073709551616",
        "send L1 00", "recv C1", "recv C1 x", "recv C1 1 in", "poll", "poll C1 hup", "shutdown C1", "shutdown C1 both",
        "shutdown C1 rd wr", "close", "close C1 C2", "abort L1", "set C1 nodelay", "set C1 nodelay 1 2", "set C1 linger_s -1",
        "set C1 congestion vegas", "set C1 mss 99999", "get C1", "get C1 a b", "reset now", "SEND C1 00"}) {
    EXPECT_EQ(parse(line), Errc::kInvalid) << line;
  }
}

TEST(RemoteRequestTest, HexThereAndBack) {
  std::string text;
  for (int i = 0; i < 256; ++i) {
    const auto byte = static_cast<std::byte>(i);
    append_hex(text, std::span(&byte, 1));
  }
  EXPECT_EQ(text.substr(0, 6), "000102");
  EXPECT_EQ(text.substr(510), "ff");
  const auto bytes = parse_hex(text);
  ASSERT_TRUE(bytes);
  for (std::size_t i = 0; i < 256; ++i) EXPECT_EQ((*bytes)[i], static_cast<std::byte>(i));
}

TEST(RemoteOptionsTest, EveryOptionGoesThroughSocketOptions) {
  using Take = std::int64_t (*)(const SocketOptions&);
  const std::vector<std::pair<std::string_view, Take>> all = {
      {"nodelay", [](const SocketOptions& o) { return std::int64_t{o.nodelay}; }},
      {"cork", [](const SocketOptions& o) { return std::int64_t{o.cork}; }},
      {"keepalive", [](const SocketOptions& o) { return std::int64_t{o.keepalive.enabled}; }},
      {"keepidle_s", [](const SocketOptions& o) { return std::int64_t{o.keepalive.idle_s}; }},
      {"keepintvl_s", [](const SocketOptions& o) { return std::int64_t{o.keepalive.interval_s}; }},
      {"keepcnt", [](const SocketOptions& o) { return std::int64_t{o.keepalive.probes}; }},
      {"mss", [](const SocketOptions& o) { return std::int64_t{o.mss}; }},
      {"rcvbuf", [](const SocketOptions& o) { return std::int64_t{o.rcvbuf}; }},
      {"sndbuf", [](const SocketOptions& o) { return std::int64_t{o.sndbuf}; }},
      {"user_timeout_ms", [](const SocketOptions& o) { return std::int64_t{o.user_timeout_ms}; }},
      {"linger_s", [](const SocketOptions& o) { return std::int64_t{o.linger_s}; }},
      {"quickack", [](const SocketOptions& o) { return std::int64_t{o.quickack}; }},
      {"ttl", [](const SocketOptions& o) { return std::int64_t{o.ttl.value()}; }},
      {"dscp", [](const SocketOptions& o) { return std::int64_t{o.dscp.value()}; }},
  };
  for (const auto& [name, take] : all) {
    const RemoteOption* option = find_remote_option(name);
    ASSERT_NE(option, nullptr) << name;
    for (const std::int64_t value : {option->min, option->max}) {
      SocketOptions options;
      put_remote_option(options, *option, value);
      EXPECT_EQ(take(options), value) << name;
      EXPECT_EQ(parse_remote_value(*option, format_remote_value(*option, value)), value) << name;
    }
    EXPECT_FALSE(parse_remote_value(*option, std::to_string(option->max + 1))) << name;
  }
  EXPECT_EQ(format_remote_value(*find_remote_option("linger_s"), -1), "off");
  const RemoteOption& congestion = *find_remote_option("congestion");
  for (const std::string_view name : {"newreno", "cubic", "dctcp", "bbr"}) {
    const auto value = parse_remote_value(congestion, name);
    ASSERT_TRUE(value) << name;
    SocketOptions options;
    put_remote_option(options, congestion, *value);
    EXPECT_EQ(congestion_control_name(options.congestion_control), name);
    EXPECT_EQ(format_remote_value(congestion, *value), name);
  }
  EXPECT_EQ(parse_remote_value(congestion, "reno"), parse_remote_value(congestion, "newreno"));
  EXPECT_FALSE(parse_remote_value(congestion, "vegas"));
}

}  // namespace
}  // namespace sluice::app
