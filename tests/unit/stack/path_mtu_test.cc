// SPDX-License-Identifier: BSD-3-Clause
#include "stack/path_mtu.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"

namespace sluice::stack {
namespace {

IpAddress ip(std::uint32_t n) {
  return IpAddress::v4(10, static_cast<std::uint8_t>(n >> 16U), static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n));
}

TEST(PathMtusTest, AWordIsForgottenAfterTenMinutes) {
  PathMtus paths(4, SipKey{1, 2});
  const Instant now{1};
  EXPECT_TRUE(paths.quiet(now));
  paths.learn(ip(1), 1300, now);
  EXPECT_FALSE(paths.quiet(now));
  EXPECT_EQ(paths.find(ip(1), now).mtu, 1300);
  EXPECT_EQ(paths.find(ip(2), now).mtu, 0);
  paths.learn(ip(1), 1200, now);
  EXPECT_EQ(paths.find(ip(1), now + kPathMtuLifetime - Duration{1}).mtu, 1200);
  EXPECT_EQ(paths.find(ip(1), now + kPathMtuLifetime).mtu, 0);
  EXPECT_TRUE(paths.quiet(now + kPathMtuLifetime));
}

TEST(PathMtusTest, IsBoundedAndTheOldestOfASetGivesWay) {
  PathMtus paths(1, SipKey{1, 2});
  for (std::uint32_t i = 1; i <= 5; ++i) paths.learn(ip(i), static_cast<std::uint16_t>(1000 + i), Instant{i});
  EXPECT_EQ(paths.find(ip(1), Instant{6}).mtu, 0);
  for (std::uint32_t i = 2; i <= 5; ++i) EXPECT_EQ(paths.find(ip(i), Instant{6}).mtu, 1000 + i);
}

TEST(PathMtusTest, PlateausAreBelowThePacket) {
  EXPECT_EQ(mtu_plateau_below(1500), 1492);
  EXPECT_EQ(mtu_plateau_below(1492), 1006);
  EXPECT_EQ(mtu_plateau_below(100), 68);
  EXPECT_EQ(mtu_plateau_below(0), 68);
}

tcp::FlowId flow(std::uint16_t port) {
  tcp::FlowId f;
  f.remote = ip(1);
  f.remote_port = port;
  return f;
}

TEST(MtuSearchTest, AgreesWithANaiveModel) {
  Rng rng(3);
  MtuSearch search(16, SipKey{1, 2});
  struct Known {
    std::uint16_t generation, full;
    Instant due;
  };
  std::map<std::uint16_t, Known> model;
  Instant now{};
  for (int step = 0; step < 20'000; ++step) {
    now = now + Duration::milliseconds(rng.below(1000));
    const auto port = static_cast<std::uint16_t>(rng.below(24));
    if (rng.below(2) == 0) {
      const auto generation = static_cast<std::uint16_t>(1 + rng.below(3));
      const auto mss = static_cast<std::uint16_t>(1000 + rng.below(400));
      const Instant due = now + Duration::milliseconds(rng.below(20'000));
      const bool known = model.contains(port);
      ASSERT_EQ(search.add(flow(port), generation, mss, due), known || model.size() < 16);
      if (known && model[port].generation == generation) {
        model[port].due = due;
      } else if (known || model.size() < 16) {
        model[port] = {generation, mss, due};
      }
    }
    if (rng.below(8) == 0) {
      const auto gone = static_cast<std::uint16_t>(rng.below(24));
      const auto generation = static_cast<std::uint16_t>(1 + rng.below(3));
      search.forget(flow(gone), generation);
      if (model.contains(gone) && model[gone].generation == generation) model.erase(gone);
    }
    search.on_timer(now, [&](MtuSearch::Record& r) {
      const auto at = model.find(r.flow.remote_port);
      EXPECT_TRUE(at != model.end() && at->second.due <= now && at->second.full == r.full);
      if (rng.below(2) == 0) {
        model.erase(at);
        return MtuSearch::Next::kForget;
      }
      at->second.due = r.due = now + Duration::seconds(5);
      return MtuSearch::Next::kKeep;
    });
    ASSERT_EQ(search.used(), model.size());
    for (const auto& [key, known] : model) {
      ASSERT_GT(known.due, now) << "every one that is due was looked at";
      ASSERT_NE(search.find(flow(key), known.generation), nullptr);
      ASSERT_LE(search.next_check(), known.due);
    }
    ASSERT_EQ(search.find(flow(99), 1), nullptr);
  }
  search.clear();
  EXPECT_EQ(search.used(), 0U);
  EXPECT_EQ(search.next_check(), Instant::never());
}

}  // namespace
}  // namespace sluice::stack
