// SPDX-License-Identifier: BSD-3-Clause
// Somebody who knows the four-tuples and guesses the numbers: RFC 5961, and its side channel (CVE-2016-5696).
#include "sim/siege.h"

namespace sluice::test {
namespace {

Forged as_if_of_a_flow(Siege& siege) {
  const Siege::Flow& flow = siege.flows()[siege.rng().below(static_cast<std::uint32_t>(siege.flows().size()))];
  return {.from = flow.client, .to = flow.victim, .seq = static_cast<std::uint32_t>(siege.rng().next()),
          .ack = static_cast<std::uint32_t>(siege.rng().next())};
}

class BlindSegments : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] SiegeConfig config() const {
    SiegeConfig config;
    config.v6 = GetParam();
    return config;
  }
};

TEST_P(BlindSegments, GuessedResetsSynsAndTextDoNoHarm) {
  Siege siege(config());
  siege.run([](Siege& s) {
    Forged forged = as_if_of_a_flow(s);
    switch (s.rng().below(6)) {
      case 0: forged.flags = tcp::kRst; break;
      case 1: forged.flags = tcp::kRst | tcp::kAck; break;
      case 2: forged.flags = tcp::kSyn; break;
      case 3: forged.flags = tcp::kFin | tcp::kAck; break;
      case 4: forged.data = "forged"; break;
      default: forged.wnd = 0; break;
    }
    s.strike(forged);
  });
  EXPECT_GT(siege.count(tcp::Verdict::kSynChallenge) + siege.count(tcp::Verdict::kChallengeLimited), 10'000U);
  // Each connection's own limit on challenge ACKs is kept beside it.
  expect_unharmed(config(), siege, {.sides = 2 * static_cast<std::uint32_t>(config().connections)});
}

// The attacker's own connection tells him nothing about others: the challenge ACKs he gets are the same, whether
// his guesses about somebody else's used up that connection's or not.
TEST_P(BlindSegments, ChallengeAcksOfOthersCannotBeCounted) {
  const auto own_challenges = [this](bool probe) {
    Siege siege(config());
    const Endpoint me{siege.stranger(1), 6000};
    const Endpoint there{siege.victim_address(), Siege::kHold};
    std::uint32_t iss = 0;
    std::uint64_t heard = 0;
    siege.strike(Forged{.from = me, .to = there, .seq = 100, .flags = tcp::kSyn});
    const auto attack = [&](Siege& s) {
      if (iss == 0) {
        s.strike(Forged{.from = me, .to = there, .seq = 100, .flags = tcp::kSyn});
        return;
      }
      if (probe) {
        Forged forged = as_if_of_a_flow(s);
        forged.flags = tcp::kSyn;
        s.strike(forged);
      }
      s.strike(Forged{.from = me, .to = there, .seq = 105, .flags = tcp::kRst});
    };
    siege.run(attack, [&](Siege& s, const script::Heard& h) {
      if ((h.flags & script::SYN) != 0) {
        if (iss != 0) return;
        iss = h.seq;
        s.strike(Forged{.from = me, .to = there, .seq = 101, .ack = iss + 1});
      } else {
        ++heard;
      }
    });
    return heard;
  };
  const std::uint64_t quiet = own_challenges(false);
  EXPECT_GE(quiet, 6U);  // two a second
  EXPECT_EQ(own_challenges(true), quiet);
}

INSTANTIATE_TEST_SUITE_P(Ip, BlindSegments, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
