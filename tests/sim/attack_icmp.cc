// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about known four-tuples with guessed numbers (RFC 5927): they neither end nor slow a connection.
#include "sim/siege.h"

namespace sluice::test {
namespace {

class IcmpErrors : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] SiegeConfig config() const {
    SiegeConfig config;
    config.v6 = GetParam();
    return config;
  }
};

Frame error_about(Siege& siege, const Siege::Flow& flow, bool v6) {
  std::vector<std::uint8_t> tcp(20);
  wire::store_be16(tcp.data(), flow.victim.port);
  wire::store_be16(tcp.data() + 2, flow.client.port);
  wire::store_be32(tcp.data() + 4, static_cast<std::uint32_t>(siege.rng().next()));
  const Frame inner = script::ip_frame({{}, {}, flow.victim.address, flow.client.address}, 6, tcp);
  struct Kind {
    std::uint8_t type, code;
  };
  static constexpr Kind k4[] = {{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {4, 0}, {11, 0}, {12, 0}};
  static constexpr Kind k6[] = {{1, 0}, {1, 1}, {1, 3}, {1, 4}, {2, 0}, {3, 0}, {4, 1}, {4, 0}};
  const Kind kind = (v6 ? k6 : k4)[siege.rng().below(8)];
  return script::icmp_frame({siege.gateway_mac(), siege.victim().mac(), siege.stranger(9), flow.victim.address}, kind.type,
                            kind.code, std::span(inner).subspan(14));
}

TEST_P(IcmpErrors, WithGuessedNumbersDoNoHarm) {
  Siege siege(config());
  siege.run([this](Siege& s) {
    s.strike(error_about(s, s.flows()[s.rng().below(static_cast<std::uint32_t>(s.flows().size()))], GetParam()));
  });
  EXPECT_GT(siege.count(tcp::Verdict::kIcmpErrorIgnored), 30'000U);
  expect_unharmed(config(), siege);
}

INSTANTIATE_TEST_SUITE_P(Ip, IcmpErrors, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
