// SPDX-License-Identifier: BSD-3-Clause
// Four-tuples chosen to meet in one bucket of the connection table: without the key that is guesswork.
#include "sim/siege.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kFlows = 1500;

// What the host's secret is, for the run that shows what it is good for (tests/support/host.cc draws it fifth).
SipKey secret_of(std::uint64_t seed) {
  Rng rng(seed);
  for (int i = 0; i < 4; ++i) rng.next();
  const std::uint64_t k0 = rng.next();
  return {k0, rng.next()};
}

class HashFlood : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] SiegeConfig config() const {
    SiegeConfig config;
    config.v6 = GetParam();
    config.victim.stack.syn_cookies = SynCookies::kNever;
    config.victim.stack.syn_cache = kFlows;
    return config;
  }
  // SYNs of flows that would all have the same low seven bits of hash and the same tag, if the key were `key`.
  void attack_with(Siege& siege, SipKey key, std::uint64_t wanted) const {
    std::uint32_t number = 0;
    siege.run([&, key, wanted](Siege& s) {
      for (int tries = 0; tries < 4000; ++tries, ++number) {
        tcp::FlowId flow;
        flow.remote = s.stranger(number);
        flow.remote_port = 7000;
        flow.local_port = Siege::kHold;
        flow.local_addr = GetParam() ? 1 : 0;
        if ((stack::flow_hash(key, flow) & 0x7fU) != wanted) continue;
        s.strike(Forged{.from = {flow.remote, 7000}, .to = {s.victim_address(), Siege::kHold}, .seq = 1, .flags = tcp::kSyn});
        ++number;
        return;
      }
    });
  }
};

TEST_P(HashFlood, WithoutTheKeyChainsStayShort) {
  Siege siege(config());
  attack_with(siege, {0, 0}, 5);
  EXPECT_GE(siege.most_half_open(), 256U);  // the listener's backlog
  const stack::ConnTableStats stats = siege.victim().stack().table().stats();
  EXPECT_LE(stats.spills * 100, stats.buckets * 60);
  expect_unharmed(config(), siege, {.half_open = 256});
}

// That the choice would matter.
TEST_P(HashFlood, WithTheKeyTheyWouldNot) {
  Siege siege(config());
  attack_with(siege, secret_of(config().victim.seed), 5);
  const stack::ConnTableStats stats = siege.victim().stack().table().stats();
  EXPECT_GE(stats.spills * 100, stats.buckets * 120);
}

INSTANTIATE_TEST_SUITE_P(Ip, HashFlood, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
