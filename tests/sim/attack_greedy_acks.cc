// SPDX-License-Identifier: BSD-3-Clause
// Receivers that acknowledge so that they be sent more than their share (Savage et al., "TCP congestion control with
// a misbehaving receiver"): ACKs divided, repeated, and of what was never sent. Beside one that loses the same
// segment and acknowledges as it should, they gain nothing.
#include "sim/receivers.h"

namespace sluice::test {
namespace {

using Answer = decltype(Receivers::Plan::answer);

void honest(Siege& siege, Receivers& receivers, Receivers::One& one, std::uint32_t) { receivers.ack(siege, one, one.una); }

// An ACK for every sixteen bytes.
void dividing(Siege& siege, Receivers& receivers, Receivers::One& one, std::uint32_t from) {
  for (std::uint32_t upto = from + 16; upto < one.una; upto += 16) receivers.ack(siege, one, upto);
  receivers.ack(siege, one, one.una);
}

void repeating(Siege& siege, Receivers& receivers, Receivers::One& one, std::uint32_t) {
  for (int i = 0; i < 20; ++i) receivers.ack(siege, one, one.una);
}

// Of as much more as the window could hold, and then of what is there.
void guessing(Siege& siege, Receivers& receivers, Receivers::One& one, std::uint32_t) {
  receivers.ack(siege, one, one.top + 65536);
  receivers.ack(siege, one, one.una);
}

class GreedyAcks : public ::testing::TestWithParam<std::tuple<bool, CongestionControl>> {
 protected:
  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = std::get<0>(GetParam());
    config.congestion = std::get<1>(GetParam());
    config.attack_every = Duration::milliseconds(1);
    return config;
  }
  // Segments of 512 bytes; one of the third round trip is lost, so that congestion avoidance is seen as well.
  [[nodiscard]] static Receivers::Plan plan(Answer answer) {
    return {.syn_options = {2, 4, 2, 0}, .lose = 10'000, .answer = std::move(answer)};
  }
  // Bytes that the receivers got, all together.
  static std::uint64_t run(Siege& siege, Receivers& receivers) {
    siege.run([&](Siege& s) { receivers.tick(s); }, [&](Siege& s, const script::Heard& h) { receivers.hear(s, h); });
    return receivers.bytes();
  }
  static void expect_no_gain(Answer answer, Siege& siege) {
    Siege fair(config());
    Receivers modest(plan(honest));
    Receivers greedy(plan(std::move(answer)));
    const std::uint64_t share = run(fair, modest);
    const std::uint64_t got = run(siege, greedy);
    EXPECT_GT(share, 1'000'000U);
    EXPECT_LE(got * 100, share * 105) << got << " bytes, " << share << " by honest ACKs";
    EXPECT_LE(siege.most_buffers(), fair.most_buffers() + fair.most_buffers() / 20);
    expect_unharmed(config(), siege);
  }
};

TEST_P(GreedyAcks, DividedAcksGainNothing) {
  Siege siege(config());
  expect_no_gain(dividing, siege);
}

TEST_P(GreedyAcks, RepeatedAcksGainNothing) {
  Siege siege(config());
  expect_no_gain(repeating, siege);
}

TEST_P(GreedyAcks, AcksOfWhatWasNeverSentGainNothing) {
  Siege siege(config());
  expect_no_gain(guessing, siege);
  EXPECT_GT(siege.count(tcp::Verdict::kAckTooHigh) + siege.count(tcp::Verdict::kChallengeLimited), 1000U);
}

INSTANTIATE_TEST_SUITE_P(Ip, GreedyAcks,
                         ::testing::Combine(::testing::Bool(), ::testing::Values(CongestionControl::kCubic, CongestionControl::kNewReno)),
                         [](const auto& p) {
                           return std::string(std::get<0>(p.param) ? "V6" : "V4") +
                                  (std::get<1>(p.param) == CongestionControl::kCubic ? "Cubic" : "NewReno");
                         });

}  // namespace
}  // namespace sluice::test
