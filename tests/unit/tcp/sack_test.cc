// SPDX-License-Identifier: BSD-3-Clause
// The scoreboard against a plain array of marked bytes.
#include <bitset>

#include "base/rng.h"
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

constexpr std::size_t kSpace = 2048;
constexpr SeqNum kBase{0xfffffc00};  // wraps in the middle

struct Model {
  std::bitset<kSpace> marked;

  std::uint32_t mark(std::uint32_t left, std::uint32_t right) {
    std::uint32_t news = 0;
    for (std::uint32_t i = left; i < right; ++i) {
      news += marked[i] ? 0 : 1;
      marked.set(i);
    }
    return news;
  }
  [[nodiscard]] unsigned ranges() const {
    unsigned n = 0;
    for (std::size_t i = 0; i < kSpace; ++i) n += marked[i] && (i == 0 || !marked[i - 1]) ? 1 : 0;
    return n;
  }
  [[nodiscard]] std::uint32_t unmarked(std::uint32_t from, std::uint32_t to) const {
    std::uint32_t n = 0;
    for (std::uint32_t i = from; i < to; ++i) n += marked[i] ? 0 : 1;
    return n;
  }
  // RFC 6675 IsLost(), byte by byte.
  [[nodiscard]] bool lost(std::uint32_t at, std::uint32_t smss) const {
    std::uint32_t bytes = 0;
    unsigned runs = 0;
    for (std::uint32_t i = at + 1; i < kSpace; ++i) {
      bytes += marked[i] ? 1 : 0;
      runs += marked[i] && !marked[i - 1] ? 1 : 0;
    }
    return runs >= 3 || bytes > 2 * smss;
  }
  void forget_highest_range() {
    std::size_t i = kSpace;
    while (!marked[i - 1]) --i;
    while (i > 0 && marked[i - 1]) marked.reset(--i);
  }
};

void expect_same(const Side& side, const Model& model, std::uint32_t una) {
  std::uint32_t at = una;
  for (unsigned i = 0; i < side.n_sacked; ++i) {
    const std::uint32_t left = side.sacked[i].left - kBase;
    const std::uint32_t right = side.sacked[i].right - kBase;
    ASSERT_LT(left, right);
    ASSERT_GT(left, at) << "sorted, and not touching";
    ASSERT_EQ(model.unmarked(at, left), left - at);
    ASSERT_EQ(model.unmarked(left, right), 0U);
    at = right;
  }
  ASSERT_EQ(model.unmarked(at, kSpace), kSpace - at);
}

TEST(Scoreboard, AgreesWithAPlainModelUnderRandomMarks) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Side side;
    Model model;
    std::uint32_t una = 0;
    for (int step = 0; step < 300; ++step) {
      if (rng.below(12) == 0) {
        una = std::min<std::uint32_t>(una + rng.below(40), kSpace - 1100);
        // SND.UNA moves to the front of a hole; a range it would cut goes whole
        while (una > 0 && model.marked[una - 1] && model.marked[una]) ++una;
        if (model.marked[una]) {
          for (std::uint32_t i = una; model.marked[i]; ++i) model.marked.reset(i);
        }
        for (std::uint32_t i = 0; i < una; ++i) model.marked.reset(i);
        sack_advance(side, kBase + una);
      } else {
        const std::uint32_t left = una + 1 + rng.below(kSpace - una - 100);
        const std::uint32_t right = left + 1 + rng.below(rng.below(4) == 0 ? 90 : 12);
        const std::uint32_t news = model.mark(left, right);
        ASSERT_EQ(sack_mark(side, kBase + left, kBase + right), news);
        if (model.ranges() > std::size(side.sacked)) model.forget_highest_range();
      }
      expect_same(side, model, una);
      if (testing::Test::HasFatalFailure()) return;
      const std::uint32_t from = una + rng.below(500);
      const std::uint32_t to = from + rng.below(500);
      ASSERT_EQ(unsacked(side, kBase + from, kBase + to), model.unmarked(from, to));
      const wire::SackBlock hole = next_hole(side, kBase + from, kBase + to);
      std::uint32_t expected = from;
      while (expected < to && model.marked[expected]) ++expected;
      if (expected == to) {
        ASSERT_FALSE(hole.left.before(hole.right));
      } else {
        ASSERT_EQ(hole.left, kBase + expected);
        while (expected < to && !model.marked[expected]) ++expected;
        ASSERT_EQ(hole.right, kBase + expected);
      }
    }
  }
}

TEST(Scoreboard, LostEdgeIsTheRfcsIsLost) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Side side;
    Model model;
    const std::uint32_t smss = 20 + rng.below(60);
    for (std::uint32_t i = 0, n = rng.below(8); i < n; ++i) {
      const std::uint32_t left = 1 + rng.below(600);
      const std::uint32_t right = left + 1 + rng.below(80);
      model.mark(left, right);
      sack_mark(side, kBase + left, kBase + right);
    }
    const SeqNum edge = lost_edge(side, kBase, smss);
    for (std::uint32_t i = 0; i < 800; ++i) {
      if (!model.marked[i]) {
        ASSERT_EQ((kBase + i).before(edge), model.lost(i, smss)) << i;
      }
    }
  }
}

class BogusBlock : public testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {};

TEST_P(BogusBlock, OutsideWhatIsOutstandingIsIgnored) {
  Sender s;
  s.establish(65535, Offer{.sack = true});
  s.write(5 * 1460);
  s.ack(1460);
  const auto [left, right] = GetParam();
  s.ack(1460, {{left, right}});
  EXPECT_EQ(s.tcb.side, kNoIndex);
  EXPECT_EQ(s.tcb.dupacks, 1);
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
  EXPECT_EQ(s.tcb.side, kNoIndex);
}

TEST(Scoreboard, SideBlockReturnsWhenTheHoleIsFilled) {
  Sender s;
  s.establish(65535, Offer{.sack = true});
  s.write(5 * 1460);
  s.ack(0, {{1460, 2920}});
  EXPECT_EQ(s.sides.used(), 1U);
  s.ack(2920);
  EXPECT_EQ(s.sides.used(), 0U);
}

}  // namespace
}  // namespace sluice::tcp
