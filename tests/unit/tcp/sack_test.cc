// SPDX-License-Identifier: BSD-3-Clause
// The blocks of an acknowledgment: which count, and what they are taken for.
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

class BogusBlock : public testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {};

TEST_P(BogusBlock, OutsideWhatIsOutstandingIsIgnored) {
  Sender s;
  s.establish(65535, Offer{.sack = true});
  s.write(5 * 1460);
  s.ack(1460);
  const auto [left, right] = GetParam();
  s.ack(1460, {{left, right}});
  EXPECT_EQ(pipe(s.tcb, s.env()), 4U * 1460);
}
INSTANTIATE_TEST_SUITE_P(Blocks, BogusBlock,
                         testing::Values(std::pair{0U, 1000U},         // a D-SACK
                                         std::pair{1460U, 2920U},      // begins at SND.UNA
                                         std::pair{1000U, 2920U},      // across it
                                         std::pair{2920U, 2920U},      // empty
                                         std::pair{4380U, 2920U},      // reversed
                                         std::pair{2920U, 7301U},      // beyond SND.NXT
                                         std::pair{2920U, 0x80001000U}));

TEST(Scoreboard, BlocksCountOnlyWithSackNegotiated) {
  Sender s;
  s.establish();
  s.write(5 * 1460);
  s.ack(0, {{1460, 2920}});
  EXPECT_EQ(s.tcb.sends, kNoIndex);
}

TEST(Scoreboard, ReportedBytesAreOutOfThePipe) {
  Sender s;
  s.establish(65535, Offer{.sack = true});
  s.write(5 * 1460);
  s.ack(0, {{1460, 2920}});
  EXPECT_EQ(pipe(s.tcb, s.env()), 4U * 1460);
  s.ack(0, {{4380, 5840}, {1460, 2920}});
  EXPECT_EQ(pipe(s.tcb, s.env()), 3U * 1460);
}

TEST(Scoreboard, MapReturnsWhenAllIsAcknowledged) {
  Sender s;
  s.establish(65535, Offer{.sack = true});
  s.write(5 * 1460);
  s.ack(0, {{1460, 2920}});
  EXPECT_EQ(s.maps.used(), 1U);
  s.ack(2920);
  EXPECT_EQ(s.maps.used(), 1U);
  s.ack(5 * 1460);
  EXPECT_EQ(s.maps.used(), 0U);
}

// RFC 2883 4.1, 4.2
TEST(Dsack, BelowTheAcknowledgmentOrWithinTheNextBlock) {
  Sender s;
  s.establish(65535, Offer{.sack = true});
  s.write(5 * 1460);
  s.ack(1460);
  s.ack(1460, {{0, 1460}});
  EXPECT_EQ(s.counters.dsacks_received, 1U);
  s.ack(1460, {{2920, 4380}, {2920, 5840}});
  EXPECT_EQ(s.counters.dsacks_received, 2U);
  s.ack(1460, {{2920, 5840}});
  s.ack(1460, {{4380, 5840}, {2920, 4380}});
  s.ack(1460, {{0x90000000, 0x90000001}});  // sent an age ago
  s.ack(1460, {{2920, 4380}, {2920, 8000}});  // within what was never sent
  EXPECT_EQ(s.counters.dsacks_received, 2U);
}

}  // namespace
}  // namespace sluice::tcp
