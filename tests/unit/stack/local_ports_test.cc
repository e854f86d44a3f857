// SPDX-License-Identifier: BSD-3-Clause
#include "stack/local_ports.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <vector>

#include "base/rng.h"

namespace sluice::stack {
namespace {

using Use = LocalPorts::Use;

const IpAddress kLocal = IpAddress::v4(10, 0, 0, 1);
const IpAddress kRemote = IpAddress::v4(10, 0, 0, 2);

// What has a port, as a plain table.
struct Model {
  std::vector<Use> use = std::vector<Use>(65536, Use::kFree);
  std::uint32_t asked = 0;

  LocalPorts::Choice choose(LocalPorts& ports, std::uint16_t remote_port = 80) {
    asked = 0;
    return ports.choose(kLocal, kRemote, remote_port, [this](std::uint16_t port) {
      ++asked;
      return use[port];
    });
  }
  void fill(Use with) {
    for (std::uint32_t i = 0; i < LocalPorts::kCount; ++i) use[LocalPorts::kFirst + i] = with;
  }
};

TEST(LocalPorts, EveryPortOfTheRangeIsGivenOutOnceThenNone) {
  LocalPorts ports({1, 2});
  Model model;
  std::set<std::uint16_t> given;
  for (std::uint32_t i = 0; i < LocalPorts::kCount; ++i) {
    const auto choice = model.choose(ports);
    ASSERT_GE(choice.port, LocalPorts::kFirst);
    ASSERT_LT(choice.port, LocalPorts::kFirst + LocalPorts::kCount);
    ASSERT_FALSE(choice.spare);
    ASSERT_EQ(model.use[choice.port], Use::kFree);
    ASSERT_EQ(model.asked, 1U) << "the next in turn is free";
    model.use[choice.port] = Use::kTaken;
    given.insert(choice.port);
  }
  EXPECT_EQ(given.size(), LocalPorts::kCount);
  EXPECT_EQ(model.choose(ports).port, 0);
  EXPECT_EQ(model.asked, LocalPorts::kTries) << "a full range does not cost all of it";
}

// Connections begin 100,000 times over, and with `most` open for each that begins `which(their number)` ends. How many
// ports are looked at for one that begins, in the mean; the first `most` are not counted.
template <typename Which>
double asked_for_one(LocalPorts& ports, Model& model, std::uint32_t most, Which&& which) {
  constexpr std::uint32_t kRounds = 100'000;
  std::deque<std::uint16_t> open;
  std::uint64_t asked = 0;
  for (std::uint32_t i = 0; i < kRounds + most; ++i) {
    const auto choice = model.choose(ports);
    if (choice.port == 0 || model.use[choice.port] != Use::kFree) {
      ADD_FAILURE() << "port " << choice.port << " in round " << i;
      return LocalPorts::kCount;
    }
    model.use[choice.port] = Use::kTaken;
    open.push_back(choice.port);
    if (i < most) continue;
    asked += model.asked;
    std::swap(open[which(most + 1)], open.front());
    model.use[open.front()] = Use::kFree;
    open.pop_front();
  }
  return static_cast<double>(asked) / kRounds;
}

// Connections that end in about the order in which they began, which is what short ones do.
TEST(LocalPorts, TheNextPortIsFreeThoughTheRangeIsNearlyFull) {
  LocalPorts ports({3, 4});
  Model model;
  Rng rng(5);
  EXPECT_LT(asked_for_one(ports, model, LocalPorts::kCount * 98 / 100, [&](std::uint32_t) { return rng.below(64); }), 1.5);
}

// Random ends: what the search costs is what the share of free ports makes it.
TEST(LocalPorts, RandomEndsCostWhatTheFillMakesThem) {
  LocalPorts ports({3, 4});
  Model model;
  Rng rng(6);
  EXPECT_LT(asked_for_one(ports, model, LocalPorts::kCount * 9 / 10, [&](std::uint32_t n) { return rng.below(n); }), 12.0);
}

// Nine tenths of the range belong to connections that last, one beside the other.
TEST(LocalPorts, ManyThatLastSideBySideHinderNobody) {
  LocalPorts ports({3, 4});
  Model model;
  for (std::uint32_t i = 0; i < LocalPorts::kCount * 9 / 10; ++i) model.use[model.choose(ports).port] = Use::kTaken;
  EXPECT_LT(asked_for_one(ports, model, 499, [](std::uint32_t) { return 0U; }), 2.0);
}

TEST(LocalPorts, AGapIsFoundWhereverItIs) {
  for (std::uint32_t first = 0; first < LocalPorts::kCount; first += 1009) {
    LocalPorts ports({first, 8});
    Model model;
    model.fill(Use::kTaken);
    for (std::uint32_t i = 0; i < 28; ++i) model.use[LocalPorts::kFirst + (first + i) % LocalPorts::kCount] = Use::kFree;
    EXPECT_NE(model.choose(ports).port, 0) << first;
  }
}

TEST(LocalPorts, TheOnlyFreePortIsFoundByGoingOnWhereTheLastSearchEnded) {
  for (const std::uint32_t free : {0U, 1U, 14'000U, LocalPorts::kCount - 1}) {
    LocalPorts ports({7, 8});
    Model model;
    model.fill(Use::kTaken);
    model.use[LocalPorts::kFirst + free] = Use::kFree;
    std::uint32_t calls = 1;
    while (model.choose(ports).port == 0) ++calls;
    EXPECT_LE(calls, LocalPorts::kCount / (LocalPorts::kTries - LocalPorts::kInOrder) + 1) << free;
  }
}

TEST(LocalPorts, APortThatCanBeMadeFreeIsTakenWhenNoneIsNear) {
  LocalPorts ports({9, 10});
  Model model;
  model.fill(Use::kSpare);
  const auto first = model.choose(ports);
  EXPECT_TRUE(first.spare);
  EXPECT_EQ(model.asked, LocalPorts::kPatience);
  const auto second = model.choose(ports);
  EXPECT_TRUE(second.spare);
  EXPECT_NE(second.port, first.port) << "its turn comes last";
  // But a free one a few ports on is better.
  const std::uint32_t next = (second.port - LocalPorts::kFirst + 5U) % LocalPorts::kCount;
  model.use[LocalPorts::kFirst + next] = Use::kFree;
  const auto third = model.choose(ports);
  EXPECT_FALSE(third.spare);
  EXPECT_EQ(third.port, LocalPorts::kFirst + next);
}

TEST(LocalPorts, PortsThatAreNeverOursDoNotCountAsTries) {
  LocalPorts ports({11, 12});
  Model model;
  model.fill(Use::kNotOurs);
  EXPECT_EQ(model.choose(ports).port, 0);
  EXPECT_EQ(model.asked, LocalPorts::kInOrder + LocalPorts::kCount);
  model.use[LocalPorts::kFirst + 20'000] = Use::kFree;
  EXPECT_EQ(model.choose(ports).port, LocalPorts::kFirst + 20'000) << "the one in 28232 that is this shard's";
}

// RFC 6056 3.3.4: destinations do not share a sequence, and it cannot be told without the key.
TEST(LocalPorts, DestinationsAndKeysBeginElsewhere) {
  std::set<std::uint16_t> by_destination, by_key;
  LocalPorts ports({13, 14});
  for (std::uint16_t remote_port = 1; remote_port <= 100; ++remote_port) {
    Model model;
    by_destination.insert(model.choose(ports, remote_port).port);
  }
  for (std::uint64_t key = 1; key <= 100; ++key) {
    LocalPorts other({key, 14});
    Model model;
    by_key.insert(model.choose(other).port);
  }
  EXPECT_GT(by_destination.size(), 95U);
  EXPECT_GT(by_key.size(), 95U);
}

}  // namespace
}  // namespace sluice::stack
