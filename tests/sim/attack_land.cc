// SPDX-License-Identifier: BSD-3-Clause
// LAND: segments that seem to come from ourselves. Nobody answers himself.
#include "sim/siege.h"

namespace sluice::test {
namespace {

class Land : public ::testing::TestWithParam<bool> {};

TEST_P(Land, SegmentsFromOurOwnAddressAreDropped) {
  SiegeConfig config;
  config.v6 = GetParam();
  Siege siege(config);
  siege.run([](Siege& s) {
    const Endpoint us{s.victim_address(), Siege::kSink};
    static constexpr std::uint8_t kFlags[] = {tcp::kSyn, tcp::kSyn | tcp::kAck, tcp::kAck, tcp::kRst};
    s.strike(Forged{.from = us, .to = us, .seq = 1, .ack = 1, .flags = kFlags[s.rng().below(4)]});
  });
  EXPECT_GT(siege.count(tcp::Verdict::kIpSourceOurs), 70'000U);
  EXPECT_EQ(siege.answers(), 0U);
  EXPECT_LE(siege.most_half_open(), 2U * static_cast<unsigned>(config.connections));
  expect_unharmed(config, siege);
}

INSTANTIATE_TEST_SUITE_P(Ip, Land, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
