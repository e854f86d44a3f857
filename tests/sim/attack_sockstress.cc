// SPDX-License-Identifier: BSD-3-Clause
// Windows held shut for ever, and readers of a byte now and then: what they hold is bounded by sndbuf, and when
// buffers run out the windows that were shut longest give way (RFC 6429), never before.
#include "sim/accomplices.h"

namespace sluice::test {
namespace {

class Sockstress : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr std::uint32_t kNumber = 300;
  static constexpr std::size_t kSendBuffer = 2 * 65536 / 2048 + 8;  // in packet buffers, full

  [[nodiscard]] SiegeConfig config(std::size_t buffers) const {
    SiegeConfig config;
    config.v6 = GetParam();
    config.victim.buffers = buffers;
    config.victim.stack.max_connections = 512;
    config.span = Duration::seconds(6);
    config.attack_every = Duration::milliseconds(10);  // the last is open after three seconds
    return config;
  }
  // Each asks for endless data with a window of nothing, and answers every probe so.
  static void shut(Siege& siege, Accomplices& accomplices) {
    siege.run([&](Siege& s) { accomplices.open_next(s); },
              [&](Siege& s, const script::Heard& h) {
                Accomplices::One* one = accomplices.hear(s, h, 0);
                if (one != nullptr && !one->reset && !h.data.empty()) accomplices.say(s, *one);
              });
  }
};

TEST_P(Sockstress, ShutWindowsAreKeptWhileThereIsMemory) {
  Siege siege(config(40'000));
  Accomplices accomplices(kNumber, Siege::kSource);
  shut(siege, accomplices);
  EXPECT_EQ(siege.counter("zero_window_aborts"), 0U);
  EXPECT_EQ(accomplices.resets(0, kNumber), 0U);
  EXPECT_GE(siege.most_connections(), kNumber);
  EXPECT_GT(siege.counter("zero_window_probes"), kNumber);
  expect_unharmed(config(40'000), siege, held_by(kNumber, kNumber * kSendBuffer));
}

// When buffers are crowded each holds one (IPv4, segments of 536 bytes) or two (IPv6), so it takes many.
TEST_P(Sockstress, LongestShutGiveWayWhenBuffersRunOut) {
  const std::uint32_t number = GetParam() ? 900 : 1800;
  SiegeConfig many = config(3'000);
  many.victim.stack.max_connections = number + 100;
  many.attack_every = config(0).attack_every * kNumber / number;
  Siege siege(many);
  Accomplices accomplices(number, Siege::kSource);
  shut(siege, accomplices);
  EXPECT_GT(siege.counter("zero_window_aborts"), 20U);
  EXPECT_LT(siege.counter("zero_window_aborts"), number);
  EXPECT_GT(accomplices.resets(0, number / 3), 3 * accomplices.resets(2 * number / 3, number));
  expect_unharmed(many, siege, held_by(number, 3'000 * 3 / 4 + 600));
}

// Buffers there are plenty, but no place in the table. Who is shut out longest makes room for who comes.
TEST_P(Sockstress, LongestShutGiveWayWhenTheTableIsFull) {
  for (const std::uint16_t port : {Siege::kSource, Siege::kParting}) {  // held by an application; orphans
    SiegeConfig full = config(40'000);
    full.victim.stack.max_connections = 128;
    full.knock_every = Duration::milliseconds(20);
    Siege siege(full);
    Accomplices accomplices(kNumber, port);
    shut(siege, accomplices);
    EXPECT_EQ(siege.most_connections(), 128U);
    EXPECT_GT(siege.count(tcp::Verdict::kConnectionsFull), 50U);
    EXPECT_GT(siege.counter("full_table_aborts"), 50U);
    EXPECT_EQ(siege.counter("zero_window_aborts"), 0U);
    EXPECT_GT(accomplices.resets(0, kNumber / 3), 3 * accomplices.resets(2 * kNumber / 3, kNumber));
    EXPECT_GE(siege.knocks(), 150U);
    EXPECT_GE(siege.admitted() * 100, siege.knocks() * 99) << siege.admitted() << " of " << siege.knocks();
    Held held = held_by(128, 128 * kSendBuffer);
    held.half_open = kNumber;  // whose handshakes were not completed
    expect_unharmed(full, siege, held);
  }
}

// They are slow, not silent: nobody aborts them, and they hold no more than their send buffers.
TEST_P(Sockstress, SlowReadersHoldNoMoreThanTheirSendBuffers) {
  Siege siege(config(40'000));
  Accomplices accomplices(kNumber, Siege::kSource);
  siege.run([&](Siege& s) { accomplices.read_a_little(s, 100); },
            [&](Siege& s, const script::Heard& h) { accomplices.hear(s, h); });
  EXPECT_EQ(siege.counter("zero_window_aborts"), 0U);
  expect_unharmed(config(40'000), siege, held_by(kNumber, kNumber * kSendBuffer));
}

INSTANTIATE_TEST_SUITE_P(Ip, Sockstress, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "V6" : "V4"); });

}  // namespace
}  // namespace sluice::test
