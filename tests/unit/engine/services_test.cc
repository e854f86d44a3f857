// SPDX-License-Identifier: BSD-3-Clause
// Which services a group of two shards takes.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/group.h"
#include "port/memory_port.h"

namespace sluice::engine {
namespace {

struct Silent final : Service {
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection) override {}
};

class Services : public testing::Test {
 protected:
  Services() {
    config_.ports.resize(1);
    config_.ports[0].name = "front";
    config_.ports[0].addresses = {InterfaceAddress::parse("10.0.0.1/24").value()};
    config_.tcp.max_connections = 1024;
    GroupOptions options;
    options.shards = 2;
    group_ = std::make_unique<Group>(config_, options, make_keys(42), std::vector<port::Port*>{&port_}, source_);
  }
  Result<void> add(const std::string& name, const std::vector<std::string>& endpoints) {
    ServiceConfig service;
    service.name = name;
    for (const std::string& text : endpoints) service.listen.push_back(Endpoint::parse(text).value());
    return group_->add_service(service, [](unsigned) { return std::make_unique<Silent>(); });
  }

  Config config_;
  port::MemoryBufSource source_{2048};
  port::MemoryPort port_{source_};
  std::unique_ptr<Group> group_;
};

TEST_F(Services, OneThatCannotListenEverywhereListensNowhere) {
  ASSERT_TRUE(add("first", {"10.0.0.1:7"}).ok());
  const auto refused = add("other", {"10.0.0.1:8", "10.0.0.1:7"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kAddressInUse);
  for (unsigned s = 0; s < 2; ++s) EXPECT_EQ(group_->shard(s).services(), 1U) << s;
  const auto again = add("other", {"10.0.0.1:8"});
  EXPECT_TRUE(again.ok()) << again.error().message;
  group_->start(Instant{} + Duration::milliseconds(1));
}

TEST_F(Services, OneWhoseFactoryFailsOnAShardListensNowhere) {
  ServiceConfig service;
  service.name = "web";
  service.listen = {Endpoint::parse("10.0.0.1:80").value()};
  const auto listens_nowhere = [this] {
    for (unsigned s = 0; s < 2; ++s) {
      EXPECT_EQ(group_->shard(s).services(), 0U) << s;
      EXPECT_EQ(group_->shard(s).stack().states()[static_cast<std::size_t>(State::kListen)], 0U) << s;
    }
  };
  const auto throws_on_the_second = [](unsigned shard) {
    if (shard == 1) throw std::runtime_error("no room");
    return std::make_unique<Silent>();
  };
  EXPECT_THROW(static_cast<void>(group_->add_service(service, throws_on_the_second)), std::runtime_error);
  listens_nowhere();
  const auto nothing = group_->add_service(service, [](unsigned shard) { return shard == 0 ? std::make_unique<Silent>() : nullptr; });
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().message, "service web: its factory makes nothing");
  listens_nowhere();
  EXPECT_EQ(group_->add_service(service, {}).error().code, Errc::kInvalid);
  listens_nowhere();
  EXPECT_TRUE(add("web", {"10.0.0.1:80"}).ok());
}

TEST_F(Services, MoreThanARecordCanNameAreRefused) {
  for (std::size_t i = 0; i < stack::Stack::kMaxServices; ++i) ASSERT_TRUE(add(std::to_string(i), {}).ok()) << i;
  const auto refused = add("last", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "service last: 256 services are there already, more cannot be told apart");
}

}  // namespace
}  // namespace sluice::engine
