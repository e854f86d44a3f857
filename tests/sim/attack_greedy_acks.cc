// SPDX-License-Identifier: BSD-3-Clause
// Receivers that acknowledge so that they be sent more than their share (Savage et al., "TCP congestion control with
// a misbehaving receiver"): ACKs divided, repeated, and of what was never sent. Beside one that loses the same
// segment and acknowledges as it should, they gain nothing. ACKs of what has not arrived yet gain what a nearer peer gets.
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
    expect_no_more_held(siege, fair);
  }
  static void expect_no_more_held(Siege& siege, const Siege& fair) {
    EXPECT_LE(siege.most_buffers(), fair.most_buffers() + fair.most_buffers() / 20);
    constexpr std::uint32_t kNumber = 5;
    expect_unharmed(config(), siege, {.buffers = fair.most_buffers(), .connections = kNumber, .sides = kNumber, .maps = kNumber});
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

// Of what was sent but cannot have arrived yet: nothing tells such an ACK from one of a peer that is nearer, so that is what he
// gets, and no more: a window of his own in each of the round trips that he pretends. What is lost on his way is lost to him.
TEST_P(GreedyAcks, OptimisticAcksGainWhatANearerPeerGets) {
  constexpr Duration kPretended = Duration::milliseconds(10);
  Siege near_siege(config());
  Receivers::Plan at_hand = plan(honest);
  at_hand.lose = 0;
  at_hand.round_trip = kPretended;
  Receivers near(at_hand);
  run(near_siege, near);
  Siege siege(config());
  Receivers::Plan lying = plan(honest);
  lying.foreseen = kPretended;
  Receivers optimists(lying);
  run(siege, optimists);
  EXPECT_LE(optimists.arrived() * 100, near.arrived() * 105) << optimists.arrived() << " bytes, " << near.arrived() << " nearer by";
  const auto windows = static_cast<std::uint64_t>(2 * config().span.ns / kPretended.ns);
  EXPECT_LE(optimists.arrived(), 5 * windows * 65535);
  Siege fair(config());
  Receivers modest(plan(honest));
  EXPECT_GT(optimists.arrived(), run(fair, modest)) << "he lied in vain";
  EXPECT_LT(optimists.bytes(), optimists.arrived()) << "nothing was lost to him";
  expect_no_more_held(siege, near_siege);
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<bool, CongestionControl>>& p) {
  std::string name = std::get<0>(p.param) ? "V6" : "V4";
  return name.append(congestion_control_name(std::get<1>(p.param)));
}

INSTANTIATE_TEST_SUITE_P(Ip, GreedyAcks,
                         ::testing::Combine(::testing::Bool(), ::testing::Values(CongestionControl::kCubic, CongestionControl::kNewReno,
                                                                                 CongestionControl::kDctcp, CongestionControl::kBbr)),
                         name_of);

}  // namespace
}  // namespace sluice::test
