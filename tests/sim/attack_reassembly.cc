// SPDX-License-Identifier: BSD-3-Clause
// Many single bytes, each ahead of a gap: what waits for reassembly is bounded, by connection and in all.
#include "sim/accomplices.h"

namespace sluice::test {
namespace {

class Reassembly : public ::testing::TestWithParam<bool> {};

TEST_P(Reassembly, BytesAheadOfGapsAreBounded) {
  SiegeConfig config;
  config.v6 = GetParam();
  constexpr std::uint32_t kNumber = 20;
  Siege siege(config);
  Accomplices accomplices(kNumber, Siege::kSink);
  siege.run(
      [&](Siege& s) {
        if (accomplices.open_next(s)) return;
        const Accomplices::One& one = accomplices.all()[s.rng().below(kNumber)];
        s.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt + 1 + 2 * s.rng().below(32'000), .ack = one.una,
                        .data = "x"});
      },
      [&](Siege& s, const script::Heard& h) { accomplices.hear(s, h); });
  EXPECT_GT(siege.count(tcp::Verdict::kDataOutOfOrder), 1000U);
  EXPECT_GT(siege.count(tcp::Verdict::kDataRefused), 10'000U);  // it came to the bound
  // docs/limits.md: rcvbuf/512 + 64 buffers a connection.
  constexpr std::uint32_t kMost = kNumber * (65536 / 512 + 64);
  expect_unharmed(config, siege, held_by(kNumber, kMost + kNumber, kMost));
}

INSTANTIATE_TEST_SUITE_P(Ip, Reassembly, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
