// SPDX-License-Identifier: BSD-3-Clause
// Buffers run short, since peers say nothing at all, or hardly anything, or leave gaps for ever. Who is
// established gets on, memory stays within its bounds, and what was held comes back.
#include "sim/accomplices.h"

namespace sluice::test {
namespace {

class ScarceBuffers : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr std::uint32_t kNumber = 300;
  static constexpr std::size_t kBuffers = 6000;
  // While buffers are crowded each may queue two segments, which are one buffer of 536 bytes each in IPv4 and two
  // in IPv6: it takes many to make them scarce.
  [[nodiscard]] static std::uint32_t crowd_size() { return GetParam() ? 900 : 1800; }
  static constexpr std::size_t kFewBuffers = 3000;

  [[nodiscard]] static SiegeConfig config() {
    SiegeConfig config;
    config.v6 = GetParam();
    config.victim.buffers = kBuffers;
    config.victim.stack.max_connections = 512;
    config.span = Duration::seconds(8);
    config.attack_every = Duration::milliseconds(10);  // the last is open after three seconds
    return config;
  }
  [[nodiscard]] static SiegeConfig crowd() {
    SiegeConfig crowd = config();
    crowd.victim.buffers = kFewBuffers;
    crowd.victim.stack.max_connections = crowd_size() + 100;
    crowd.attack_every = config().attack_every * kNumber / crowd_size();
    return crowd;
  }
  // The last quarter is for recovery.
  [[nodiscard]] static bool over(const Siege& siege) { return siege.now() >= Instant{} + Duration::seconds(12); }
  static void expect_bounded(Siege& siege, std::size_t most) {
    EXPECT_LE(siege.most_buffers(), most);
    EXPECT_EQ(siege.counter("buffers_exhausted"), 0U);
    EXPECT_EQ(siege.victim().stack().bufs().exhausted(), 0U);
  }
  // As in peace, about.
  static void expect_recovered(Siege& siege, const SiegeConfig& config) {
    Siege peace(config);
    peace.run();
    EXPECT_LE(siege.victim().stack().bufs().in_use(), peace.most_buffers() + config.victim.buffers / 20);
    EXPECT_LE(siege.victim().stack().slabs().tcbs.used(), 6U + config.victim.stack.max_connections / 10);
  }
};

// They ask for endless data, with a window wide open, and are never heard of again.
TEST_P(ScarceBuffers, SilentPeersGiveWay) {
  Siege siege(crowd());
  Accomplices accomplices(crowd_size(), Siege::kSource);
  siege.run([&](Siege& s) { accomplices.open_next(s); }, [&](Siege& s, const script::Heard& h) { accomplices.hear(s, h); });
  EXPECT_GT(siege.counter("buffers_scarce"), 100U) << "it came to the bound";
  EXPECT_GT(siege.counter("silent_aborts"), 100U);
  EXPECT_EQ(siege.counter("zero_window_aborts"), 0U);
  EXPECT_GT(accomplices.resets(0, crowd_size() / 3), accomplices.resets(2 * crowd_size() / 3, crowd_size()));
  expect_bounded(siege, kFewBuffers * 3 / 4 + 600);
  expect_unharmed(crowd(), siege, held_by(crowd_size(), kFewBuffers * 3 / 4 + 600));
}

// A hundred bytes at a time, and an answer to each: they are no more than slow, and stay. They hold what they took while there
// was plenty, and hardly more than a window each after that.
TEST_P(ScarceBuffers, SlowReadersWhoAnswerInTimeLeaveOthersEnough) {
  SiegeConfig prompt = config();
  prompt.attack_every = Duration::microseconds(200);
  Siege siege(prompt);
  Accomplices accomplices(kNumber, Siege::kSource);
  siege.run([&](Siege& s) { accomplices.read_a_little(s, 100); },
            [&](Siege& s, const script::Heard& h) { accomplices.hear(s, h, 100); });
  EXPECT_GT(siege.most_buffers(), kBuffers / 2) << "buffers were crowded";
  EXPECT_EQ(siege.counter("silent_aborts"), 0U);
  EXPECT_EQ(siege.counter("zero_window_aborts"), 0U);
  EXPECT_EQ(accomplices.resets(0, kNumber), 0U);
  expect_bounded(siege, kBuffers * 3 / 4);
  expect_unharmed(prompt, siege, held_by(kNumber, kBuffers * 3 / 4));
}

// A hundred bytes every three seconds or so each, so slowly that retransmissions go unanswered meanwhile.
TEST_P(ScarceBuffers, ReadersThatAreSlowToAnswerCountAsSilent) {
  Siege siege(crowd());
  Accomplices accomplices(crowd_size(), Siege::kSource);
  std::size_t gone = 0;
  siege.run(
      [&](Siege& s) {
        if (!over(s)) return accomplices.read_a_little(s, 100);
        if (gone == crowd_size()) return;
        const Accomplices::One& one = accomplices.all()[gone++];
        s.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt, .flags = tcp::kRst});
      },
      [&](Siege& s, const script::Heard& h) { accomplices.hear(s, h, 100); });
  EXPECT_GT(siege.counter("buffers_scarce"), 100U) << "it came to the bound";
  EXPECT_GT(siege.counter("silent_aborts"), 20U);
  expect_bounded(siege, kFewBuffers * 3 / 4 + 600);
  expect_recovered(siege, crowd());
  expect_unharmed(crowd(), siege, held_by(crowd_size(), kFewBuffers * 3 / 4 + 600));
}

// Bytes far apart, from many: what waits for the gaps to be filled is a quarter of all buffers at most.
TEST_P(ScarceBuffers, GapsThatNobodyFillsHoldAQuarterAtMost) {
  SiegeConfig faster = config();
  faster.attack_every = Duration::microseconds(200);
  Siege siege(faster);
  Accomplices accomplices(kNumber, Siege::kSink);
  std::size_t gone = 0;
  std::uint64_t most = 0;
  siege.run(
      [&](Siege& s) {
        if (accomplices.open_next(s)) return;
        most = std::max(most, s.counter("ooo_buffers"));
        const Accomplices::One& one = accomplices.all()[over(s) ? gone % kNumber : s.rng().below(kNumber)];
        if (over(s)) {
          if (gone++ < kNumber) s.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt, .flags = tcp::kRst});
          return;
        }
        s.strike(Forged{.from = one.here, .to = one.there, .seq = one.nxt + 1 + 2 * s.rng().below(32'000), .ack = one.una,
                        .data = "x"});
      },
      [&](Siege& s, const script::Heard& h) { accomplices.hear(s, h); });
  EXPECT_EQ(most, kBuffers / 4) << "it came to the bound";
  EXPECT_GT(siege.count(tcp::Verdict::kDataRefused), 10'000U);
  expect_bounded(siege, kBuffers * 3 / 4 + 600);
  EXPECT_EQ(siege.counter("ooo_buffers"), 0U);
  expect_recovered(siege, config());
  expect_unharmed(faster, siege, held_by(kNumber, kBuffers * 3 / 4 + 600, kBuffers / 4));
}

INSTANTIATE_TEST_SUITE_P(Ip, ScarceBuffers, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
