// SPDX-License-Identifier: BSD-3-Clause
// SYNs from addresses of the link that nobody has: each would have us ask everybody there who it is, fill the
// neighbour cache with questions, and push out those that connections live by.
#include "sim/siege.h"

namespace sluice::test {
namespace {

constexpr std::int64_t kPerSecond = stack::Neighbours::kStrangersPerSecond;

class NeighbourFlood : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = GetParam();
    config.introductions = false;
    return config;
  }
  static void flood(Siege& siege) {
    const auto number = static_cast<std::uint32_t>(siege.rng().next());
    siege.strike(Forged{.from = {siege.neighbour(number), static_cast<std::uint16_t>(1024 + siege.rng().below(60000))},
                        .to = {siege.victim_address(), Siege::kSink},
                        .seq = number,
                        .flags = tcp::kSyn,
                        .options = {2, 4, 5, 180}});
  }
  // Eight frames wait for a neighbour at most, and no more questions are open than three seconds allow.
  static constexpr Held kHeld{.buffers = 8 * (3 * kPerSecond + stack::Neighbours::kStrangersAtOnce), .half_open = 256};
  static void expect_bounded(const Siege& siege, std::int64_t seconds) {
    const auto all = static_cast<std::uint64_t>(stack::Neighbours::kStrangersAtOnce + kPerSecond * seconds);
    EXPECT_GT(siege.questions(), all) << "no flood at all";
    EXPECT_LE(siege.questions(), 3 * all);
    EXPECT_LE(siege.counter("neighbour_solicitations"), 3 * all);
  }
};

TEST_P(NeighbourFlood, QuestionsAreFewAndRealClientsGetIn) {
  SiegeConfig with_clients = config();
  with_clients.span = Duration::seconds(4);
  with_clients.knock_every = Duration::milliseconds(10);
  Siege siege(with_clients);
  siege.run(flood);
  EXPECT_GT(siege.counter("neighbour_solicitations_limited"), 100'000U);
  expect_bounded(siege, 8);
  EXPECT_GE(siege.knocks(), 190U);
  EXPECT_GE(siege.admitted() * 100, siege.knocks() * 99);
  expect_unharmed(with_clients, siege, kHeld);
}

// Longer than what is known of a neighbour holds good: it is confirmed meanwhile, whatever strangers ask for.
TEST_P(NeighbourFlood, NeighboursOfConnectionsAreConfirmedMeanwhile) {
  SiegeConfig longer = config();
  longer.span = Duration::seconds(18);
  longer.connections = 1;
  longer.delay = Duration::milliseconds(20);
  longer.attack_every = Duration::milliseconds(1);
  Siege siege(longer);
  siege.run(flood);
  EXPECT_GT(siege.counter("neighbour_solicitations_limited"), 10'000U);
  expect_bounded(siege, 36);
  EXPECT_GE(siege.questions_about(siege.client_address()), 1U);
  expect_unharmed(longer, siege, kHeld);
}

INSTANTIATE_TEST_SUITE_P(Ip, NeighbourFlood, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
