// SPDX-License-Identifier: BSD-3-Clause
// Packets from addresses that nobody can have, to addresses that we cannot have, and with a route of their sender's choice
// (RFC 1122 3.2.1.3, RFC 4291 2.5, RFC 7126, RFC 5095): none comes as far as TCP.
#include "sim/siege.h"

namespace sluice::test {
namespace {

class Martians : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = GetParam();
    return config;
  }
  // What would open, reset, feed or challenge a connection, from `source`.
  static Forged segment(Siege& siege, const IpAddress& source) {
    static constexpr std::uint8_t kFlags[] = {tcp::kSyn, tcp::kAck, tcp::kRst, tcp::kFin | tcp::kAck};
    const Siege::Flow& flow = siege.flows()[siege.rng().below(static_cast<std::uint32_t>(siege.flows().size()))];
    return {.from = {source, flow.client.port}, .to = flow.victim, .seq = static_cast<std::uint32_t>(siege.rng().next()),
            .ack = static_cast<std::uint32_t>(siege.rng().next()), .flags = kFlags[siege.rng().below(4)]};
  }
  static IpAddress any_of(Siege& siege, std::initializer_list<const char*> texts) {
    return IpAddress::parse(texts.begin()[siege.rng().below(static_cast<std::uint32_t>(texts.size()))]).value();
  }
  static void expect_nothing_said(Siege& siege) {
    EXPECT_EQ(siege.answers(), 0U);
    EXPECT_EQ(siege.questions(), 0U);
    expect_unharmed(config(), siege);
  }
};

TEST_P(Martians, SourcesThatNobodyCanHaveAreDropped) {
  Siege siege(config());
  siege.run([](Siege& s) {
    if (!GetParam()) {
      s.strike(segment(s, any_of(s, {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.8.8.8", "224.0.0.1", "239.1.2.3", "240.0.0.1",
                                     "255.255.255.255"})));
      s.strike(segment(s, any_of(s, {"10.0.255.255"})));  // everybody on our link
      return;
    }
    Forged forged = segment(s, any_of(s, {"::", "::1", "ff02::1", "ff0e::5"}));
    if (s.rng().below(4) == 0) forged.from.address = IpAddress::v4(10, 0, 0, 2);  // ::ffff:10.0.0.2 there
    s.strike(forged);
  });
  EXPECT_GT(siege.count(GetParam() ? tcp::Verdict::kIpv6SourceMartian : tcp::Verdict::kIpv4SourceMartian), 70'000U);
  EXPECT_GE(siege.count(tcp::Verdict::kIpBroadcast), GetParam() ? 0U : 70'000U);
  expect_nothing_said(siege);
}

TEST_P(Martians, DestinationsThatWeCannotHaveAreDropped) {
  Siege siege(config());
  siege.run([](Siege& s) {
    Forged forged = segment(s, s.stranger(static_cast<std::uint32_t>(s.rng().next())));
    forged.to.address = GetParam() ? any_of(s, {"::", "::1", "ff02::1"})
                                   : any_of(s, {"127.0.0.1", "0.0.0.0", "255.255.255.255", "10.0.255.255", "224.0.0.1"});
    s.strike(forged);
  });
  using tcp::Verdict;
  EXPECT_GT(siege.count(Verdict::kIpv6DestinationMartian) + siege.count(Verdict::kIpBroadcast) + siege.count(Verdict::kIpNotForUs),
            70'000U);
  expect_nothing_said(siege);
}

// By strict and loose source routes (IPv4), and by a routing header that is not done with (IPv6), whose type 0 RFC 5095 ended. To
// that an answer is due, which is limited.
TEST_P(Martians, SourceRoutesDoNoHarm) {
  Siege siege(config());
  siege.run([](Siege& s) {
    const Frame frame = s.frame_of(segment(s, s.stranger(static_cast<std::uint32_t>(s.rng().next()))));
    const auto kind = static_cast<std::uint8_t>(s.rng().below(2));
    if (!GetParam()) {
      const std::uint8_t route[] = {static_cast<std::uint8_t>(kind == 0 ? 131 : 137), 7, 4, 10, 0, 0, 2, 0};
      return s.strike(script::with_ipv4_options(frame, route));
    }
    std::uint8_t header[24] = {0, 2, static_cast<std::uint8_t>(kind * 7), 1};  // type 0, and one that nobody knows
    const IpAddress next = s.client_address();
    std::copy(next.bytes.begin(), next.bytes.end(), header + 8);
    s.strike(script::with_ipv6_extension(frame, 43, header));
  });
  EXPECT_GT(siege.count(GetParam() ? tcp::Verdict::kIpv6RoutingUnknown : tcp::Verdict::kIpv4SourceRoute), 70'000U);
  if (!GetParam()) return expect_nothing_said(siege);
  EXPECT_GT(siege.counter("icmp_errors_limited"), 70'000U);
  EXPECT_EQ(siege.answers(), siege.counter("icmp_errors_sent"));
  expect_unharmed(config(), siege);
}

INSTANTIATE_TEST_SUITE_P(Ip, Martians, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
