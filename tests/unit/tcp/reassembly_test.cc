// SPDX-License-Identifier: BSD-3-Clause
// Wire cases 45 to 51, 53, 55, 56 and 60, and reassembly against a naive model.
#include <algorithm>
#include <map>
#include <numeric>

#include "base/rng.h"
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

struct Reassembly : ::testing::Test {
  Reassembly() { c.open_passively({.sack = true}); }
  OneConnection c;
};

std::string text(int from, int to) {  // byte at offset i is a function of i
  std::string s;
  for (int i = from; i < to; ++i) s += static_cast<char>('a' + i % 23);
  return s;
}
In piece(int from, int to) { return {.seq = 1 + from, .data = text(from, to)}; }

// The blocks that RFC 2018 4 asks for after each arrival, worked out from the set of pieces alone.
std::string expected_answer(const std::vector<int>& arrived, int size) {
  std::vector<int> have;
  std::vector<std::pair<int, int>> newest_first;
  for (const int piece : arrived) {
    have.push_back(piece);
    newest_first.clear();
    for (auto it = have.rbegin(); it != have.rend(); ++it) {
      int left = *it, right = *it + 1;
      const auto held = [&have](int i) { return std::find(have.begin(), have.end(), i) != have.end(); };
      while (held(left - 1)) --left;
      while (held(right)) ++right;
      if (left == 0) continue;
      if (std::find(newest_first.begin(), newest_first.end(), std::pair(left, right)) == newest_first.end()) {
        newest_first.emplace_back(left, right);
      }
    }
  }
  int in_order = 0;
  while (std::find(have.begin(), have.end(), in_order) != have.end()) ++in_order;
  std::string answer = "A 1 " + std::to_string(1 + in_order * size);
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    answer += (i == 0 ? " <" : " ") + std::to_string(1 + newest_first[i].first * size) + '-' +
              std::to_string(1 + newest_first[i].second * size);
  }
  return newest_first.empty() ? answer : answer + '>';
}

TEST_F(Reassembly, AllOrdersOfFiveSegmentsGiveTheBytesAndTheBlocksNewestFirst) {
  constexpr int kSize = 300;
  int base = 0;
  std::vector<int> order(5);
  std::iota(order.begin(), order.end(), 0);
  do {
    OneConnection fresh;
    fresh.open_passively({.sack = true});
    std::vector<int> arrived;
    for (const int i : order) {
      fresh.arrive(piece(i * kSize, (i + 1) * kSize));
      arrived.push_back(i);
      EXPECT_EQ(fresh.answer(), expected_answer(arrived, kSize)) << ::testing::PrintToString(arrived);
    }
    EXPECT_EQ(fresh.read(), text(0, 5 * kSize));
    EXPECT_EQ(fresh.sides.used(), 0U);
    ++base;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(base, 120);
}

TEST_F(Reassembly, FourBlocksWithoutTimestampsThreeWith) {
  for (const int i : {2, 4, 6, 8, 10}) c.arrive(piece(i * 100, i * 100 + 100));
  EXPECT_EQ(OneConnection::text_of(c.sent.back()), "A 1 1 <1001-1101 801-901 601-701 401-501>");
  OneConnection stamped;
  stamped.open_passively({.tsval = 1, .sack = true});
  for (const int i : {2, 4, 6, 8}) {
    In in = piece(i * 100, i * 100 + 100);
    in.tsval = 1;
    stamped.arrive(in);
  }
  EXPECT_EQ(OneConnection::text_of(stamped.sent.back()), "A 1 1 <801-901 601-701 401-501>");
}

TEST_F(Reassembly, NoBlocksForAPeerThatDoesNotUnderstandThem) {
  OneConnection plain;
  plain.open_passively();
  plain.arrive(piece(10, 20));
  EXPECT_EQ(plain.answer(), "A 1 1");
  plain.arrive(piece(0, 10));
  EXPECT_EQ(plain.answer(), "A 1 21");
  EXPECT_EQ(plain.sides.used(), 0U);
}

TEST_F(Reassembly, RunForgottenAsABlockIsFoundAgainWhenItGrows) {
  for (const int i : {2, 4, 6, 8, 10}) c.arrive(piece(i * 100, i * 100 + 100));
  c.settle();
  c.arrive(piece(300, 400));  // joins 200-300, no block any more, and 400-500
  EXPECT_EQ(c.answer(), "A 1 1 <201-501 1001-1101 801-901 601-701>");
}

TEST_F(Reassembly, RunForgottenAsABlockIsReportedAgainWhenTheOthersAreGone) {
  for (const int i : {10, 2, 4, 6, 8}) c.arrive(piece(i * 100, i * 100 + 100));
  c.settle();
  c.arrive(piece(0, 900));
  EXPECT_EQ(OneConnection::text_of(c.sent.back()), "A 1 901 <801-901 1001-1101>");
}

TEST_F(Reassembly, OnlyNewBytesOfAnOverlapAreDelivered) {
  c.arrive(piece(0, 100));
  EXPECT_EQ(c.arrive(piece(50, 150)), Verdict::kData);
  EXPECT_EQ(c.read(), text(0, 150));
}

TEST_F(Reassembly, InOrderArrivalWinsOverWhatIsQueued) {
  c.arrive({.seq = 5, .data = "QQQQ"});
  c.arrive({.seq = 1, .data = "iiiiii"});
  EXPECT_EQ(c.read(), "iiiiiiQQ");
}

TEST_F(Reassembly, WhatIsQueuedWinsOverAPartialOverlapAheadOfTheGap) {
  c.arrive({.seq = 11, .data = "QQQQ"});
  c.arrive({.seq = 9, .data = "nnnn"});   // its end is known
  c.arrive({.seq = 13, .data = "mmmm"});  // its beginning is
  c.arrive({.seq = 1, .data = "iiiiiiii"});
  EXPECT_EQ(c.read(), "iiiiiiiinnQQQQmm");
}

TEST_F(Reassembly, WhatIsCoveredWholeIsReplaced) {
  c.arrive({.seq = 5, .data = "QQ"});
  c.arrive({.seq = 9, .data = "QQ"});
  c.settle();
  c.arrive({.seq = 3, .data = "nnnnnnnnnn"});
  c.arrive({.seq = 1, .data = "ii"});
  EXPECT_EQ(c.read(), "iinnnnnnnnnn");
}

TEST_F(Reassembly, FullDuplicateIsReportedOnce) {
  c.arrive(piece(0, 100));
  c.settle();
  EXPECT_EQ(c.arrive(piece(0, 100)), Verdict::kDataDuplicate);
  EXPECT_EQ(c.answer(), "A 1 101 <1-101>");
  EXPECT_EQ(c.sides.used(), 0U);
  c.arrive({.flags = kSyn});
  EXPECT_EQ(c.answer(), "A 1 101");
}

TEST_F(Reassembly, PartialDuplicateIsReportedAsThatPart) {
  c.arrive(piece(0, 100));
  c.settle();
  c.arrive(piece(60, 120));
  EXPECT_EQ(c.answer(), "A 1 121 <61-101>");
}

TEST_F(Reassembly, DuplicateAheadOfTheGapIsFollowedByTheBlockThatHoldsIt) {
  c.arrive(piece(200, 300));
  c.arrive(piece(400, 500));
  c.settle();
  EXPECT_EQ(c.arrive(piece(220, 240)), Verdict::kDataDuplicate);
  EXPECT_EQ(c.answer(), "A 1 1 <221-241 201-301 401-501>");
}

TEST_F(Reassembly, DuplicateOfSeveralBuffersIsReportedAsOne) {
  c.arrive(piece(1000, 1400));
  c.arrive(piece(1400, 1800));
  c.settle();
  c.arrive(piece(0, 1800));
  EXPECT_EQ(c.answer(), "A 1 1801 <1001-1801>");
}

TEST_F(Reassembly, ForgottenFinIsReportedWithTheRunThatReachesIt) {
  c.arrive({.flags = kAck | kFin, .seq = 1001});
  for (const int i : {1, 3, 5, 7, 8}) c.arrive(piece(i * 100, i * 100 + 100));
  c.settle();
  c.arrive(piece(900, 1000));
  EXPECT_EQ(c.answer(), "A 1 1 <701-1002 501-601 301-401 101-201>");
}

TEST_F(Reassembly, FinAndTextAheadOfAGapWaitAndOneAckCoversThem) {
  EXPECT_EQ(c.arrive({.flags = kAck | kFin, .seq = 4, .data = "def"}), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.answer(), "A 1 1 <4-8>");
  EXPECT_EQ(c.tcb.state, State::kEstablished);
  EXPECT_EQ(c.read(), "");
  EXPECT_EQ(c.arrive({.data = "abc"}), Verdict::kFinAccepted);
  EXPECT_EQ(c.answer(), "A 1 8");
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
  EXPECT_EQ(c.read(), "abcdef");
  EXPECT_TRUE(at_eof(c.tcb));
  EXPECT_EQ(c.sides.used(), 0U);
}

TEST_F(Reassembly, BareFinAheadOfAGapIsHeld) {
  EXPECT_EQ(c.arrive({.flags = kAck | kFin, .seq = 4}), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.answer(), "A 1 1 <4-5>");
  c.arrive({.data = "abc"});
  EXPECT_EQ(c.answer(), "A 1 5");
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
}

TEST_F(Reassembly, TextBeyondAHeldFinIsIgnored) {
  c.arrive({.seq = 6, .data = "beyond"});
  c.arrive({.flags = kAck | kFin, .seq = 4});
  c.arrive({.seq = 1, .data = "abcdef"});
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
  EXPECT_EQ(c.read(), "abc");
}

TEST_F(Reassembly, SegmentThatBeginsBehindAHeldFinIsCutWhole) {
  c.arrive({.flags = kAck | kFin, .seq = 4});
  EXPECT_EQ(c.answer(), "A 1 1 <4-5>");
  EXPECT_EQ(c.arrive({.seq = 9, .data = "beyond"}), Verdict::kDataOutOfWindow);
  EXPECT_EQ(c.answer(), "A 1 1 <4-5>");
  c.arrive({.data = "abc"});
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
  EXPECT_EQ(c.read(), "abc");
}

TEST_F(Reassembly, HeldFinIsTakenThoughTheSegmentThatFillsTheGapCarriesAnEarlierOne) {
  c.arrive({.flags = kAck | kFin, .seq = 3, .data = "cdef"});
  c.arrive({.flags = kAck | kFin, .data = "ab"});
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
  EXPECT_EQ(c.read(), "abcdef");
}

TEST_F(Reassembly, FinInsideHeldTextIsNotHeld) {
  c.arrive({.seq = 3, .data = "cdef"});
  c.arrive({.flags = kAck | kFin, .seq = 5});
  c.arrive({.data = "ab"});
  EXPECT_EQ(c.tcb.state, State::kEstablished);
  EXPECT_EQ(c.read(), "abcdef");
  c.arrive({.flags = kAck | kFin, .seq = 7});
  EXPECT_EQ(c.tcb.state, State::kCloseWait);
}

TEST_F(Reassembly, SegmentsOfOneByteTakeMemoryByTheirBytes) {
  for (int i = 0; i < 8000; ++i) c.arrive(piece(i, i + 1));
  EXPECT_LE(c.bufs.in_use(), 8U);
  EXPECT_EQ(c.read(), text(0, 8000));
  for (int i = 9999; i > 8000; i -= 2) c.arrive(piece(i, i + 1));
  EXPECT_LE(c.bufs.in_use(), 262144U / 512 + 64);
  EXPECT_GT(c.counters.ooo_dropped, 0U);
}

// What lies far from both ends of many runs is not looked for.
TEST_F(Reassembly, HolesBeyondTheBoundAreLeftToThePeer) {
  constexpr int kRuns = 400;
  for (int i = 1; i <= kRuns; ++i) EXPECT_EQ(c.arrive(piece(20 * i, 20 * i + 10)), Verdict::kDataOutOfOrder) << "at the end";
  c.settle();
  EXPECT_EQ(c.arrive(piece(20 * 100 + 10, 20 * 100 + 20)), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.arrive(piece(20 * 300 + 10, 20 * 300 + 20)), Verdict::kDataRefused);
  EXPECT_EQ(c.counters.ooo_dropped, 1U);
  EXPECT_EQ(c.arrive(piece(20 * kRuns + 10, 20 * kRuns + 20)), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.arrive({.flags = kAck | kFin, .seq = 1 + 20 * 390 + 12}), Verdict::kDataRefused);
  c.arrive(piece(0, 20));
  for (int i = 1; i < kRuns; ++i) c.arrive(piece(20 * i + 10, 20 * i + 20));
  EXPECT_EQ(c.read(), text(0, 20 * (kRuns + 1)));
  EXPECT_EQ(c.sides.used(), 0U);
}

// Retransmissions fill one gap after the other and go on from the last, also where one of them is lost and text beyond
// all gaps comes in between.
TEST_F(Reassembly, HolesAreFilledOnwardsFromTheLastOne) {
  constexpr int kRuns = 400;
  const auto fill = [&](int from, int to) {
    for (; from < to; from += 1000) c.arrive(piece(from, std::min(to, from + 1000)));
  };
  for (int i = 1; i <= kRuns; ++i) ASSERT_EQ(c.arrive(piece(20 * i, 20 * i + 10)), Verdict::kDataOutOfOrder);
  for (int i = 100; i < kRuns; i += 100) {
    EXPECT_EQ(c.arrive(piece(20 * i + 10, 20 * i + 15)), Verdict::kDataOutOfOrder) << i;
    EXPECT_EQ(c.arrive(piece(20 * (kRuns + i), 20 * (kRuns + i) + 10)), Verdict::kDataOutOfOrder) << i;
  }
  EXPECT_EQ(c.arrive(piece(20 * 50 + 10, 20 * 50 + 20)), Verdict::kDataOutOfOrder) << "behind: from the front";
  EXPECT_EQ(c.arrive(piece(20 * 390 + 10, 20 * 390 + 20)), Verdict::kDataOutOfOrder) << "and ahead from where it was";
  // The run filled last goes with the gaps before it.
  fill(0, 20 * 51 + 5);
  EXPECT_EQ(c.arrive(piece(20 * 150 + 10, 20 * 150 + 20)), Verdict::kDataOutOfOrder);
  // It is swallowed by a segment that covers it, and what follows is looked for from the run in front of it.
  EXPECT_EQ(c.arrive(piece(20 * 149 + 5, 20 * 152)), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.arrive(piece(20 * 250 + 10, 20 * 250 + 20)), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.counters.ooo_dropped, 0U);
  fill(20 * 51 + 5, 20 * 701);
  EXPECT_EQ(c.read(), text(0, 20 * 701));
}

// A late original far ahead of them does not take the retransmissions' place.
TEST_F(Reassembly, LateTextHasAPlaceOfItsOwn) {
  for (int i = 1; i <= 400; ++i) ASSERT_EQ(c.arrive(piece(20 * i, 20 * i + 10)), Verdict::kDataOutOfOrder);
  for (const int i : {100, 200, 201, 202, 220, 203, 204, 230, 205, 206}) {
    EXPECT_EQ(c.arrive(piece(20 * i + 10, 20 * i + 20)), Verdict::kDataOutOfOrder) << i;
  }
}

// A search that ended too soon goes on where it ended when the segment is sent again.
TEST_F(Reassembly, WhatIsTooFarIsFoundAtAnotherTry) {
  for (int i = 1; i <= 400; ++i) ASSERT_EQ(c.arrive(piece(20 * i, 20 * i + 10)), Verdict::kDataOutOfOrder);
  EXPECT_EQ(c.arrive(piece(20 * 300 + 10, 20 * 300 + 20)), Verdict::kDataRefused);
  EXPECT_EQ(c.arrive(piece(20 * 300 + 10, 20 * 300 + 20)), Verdict::kDataRefused);
  EXPECT_EQ(c.arrive(piece(20 * 300 + 10, 20 * 300 + 20)), Verdict::kDataOutOfOrder);
}

TEST_F(Reassembly, ARunIsOneStepHoweverManyBuffersItHas) {
  // From the back, so that no byte can be copied behind another.
  for (int i = 500; i > 200; --i) ASSERT_EQ(c.arrive(piece(i, i + 1)), Verdict::kDataOutOfOrder);
  c.arrive(piece(600, 700));
  c.settle();
  EXPECT_EQ(c.arrive(piece(400, 550)), Verdict::kDataOutOfOrder) << "the half that is known is not looked at";
  EXPECT_EQ(c.answer(), "A 1 1 <401-502 202-551 601-701>");
  c.arrive(piece(0, 600));
  EXPECT_EQ(c.read(), text(0, 700));
}

TEST_F(Reassembly, OfAllBuffersOnlyAPartLiesAheadOfGaps) {
  c.env().ooo_bufs_max = 10;
  for (int i = 1; i <= 12; ++i) c.arrive(piece(20 * i, 20 * i + 10));
  EXPECT_EQ(c.env().ooo_bufs, 10U);
  EXPECT_EQ(c.counters.ooo_dropped, 2U);
  c.arrive(piece(0, 45));
  EXPECT_EQ(c.env().ooo_bufs, 8U);
  EXPECT_EQ(c.arrive(piece(500, 510)), Verdict::kDataOutOfOrder);
  release(c.tcb, c.env());
  EXPECT_EQ(c.env().ooo_bufs, 0U);
}

TEST_F(Reassembly, NothingIsHeldAheadOfAGapWhileBuffersAreScarce) {
  c.bufs.spare_beyond(0);
  EXPECT_EQ(c.arrive(piece(20, 30)), Verdict::kDataRefused);
  EXPECT_EQ(c.sides.used(), 0U);
  EXPECT_EQ(c.bufs.refused(), 1U) << "and whoever can gives some back";
  c.arrive(piece(0, 30));
  EXPECT_EQ(c.read(), text(0, 30));
}

TEST_F(Reassembly, AdjacentBytesAheadOfAGapShareABuffer) {
  for (int i = 10; i < 1010; ++i) c.arrive(piece(i, i + 1));
  EXPECT_LE(c.bufs.in_use(), 2U);
  c.arrive(piece(0, 10));
  EXPECT_EQ(c.read(), text(0, 1010));
}

TEST_F(Reassembly, ShutReadingAcknowledgesAndDrops) {
  shutdown_read(c.tcb, c.env());
  c.turn();
  c.settle();
  c.arrive(piece(10, 20));
  EXPECT_EQ(c.answer(), "A 1 1 <11-21>");
  c.arrive(piece(0, 10));
  EXPECT_EQ(c.answer(), "A 1 21");
  EXPECT_EQ(c.events, 0U);
  EXPECT_EQ(c.bufs.in_use(), 0U);
}

TEST_F(Reassembly, WithoutASideBlockOutOfOrderTextIsRefusedAndCounted) {
  while (c.sides.take() != kNoIndex) {
  }
  EXPECT_EQ(c.arrive(piece(10, 20)), Verdict::kDataRefused);
  EXPECT_EQ(c.answer(), "A 1 1");
  EXPECT_EQ(c.counters.ooo_dropped, 1U);
  EXPECT_EQ(c.counters.side_blocks_exhausted, 1U);
  c.arrive(piece(0, 20));
  EXPECT_EQ(c.read(), text(0, 20));
  for (std::uint32_t i = 0; i < 4; ++i) c.sides.give(i);
}

// Random pieces of one text in any order, overlapping anyhow, against a map of bytes. With odd seeds the text ends
// in a FIN, which counts as its last byte.
TEST(ReassemblyModel, RandomPiecesGiveTheTextAndTrueBlocks) {
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    OneConnection c;
    c.open_passively({.sack = true});
    constexpr int kText = 6000;
    const bool fin = seed % 2 == 1;
    const int total = kText + (fin ? 1 : 0);
    std::vector<bool> have(static_cast<std::size_t>(total), false);
    const std::uint32_t largest = seed % 3 == 0 ? 20 : 700;
    std::string got;
    for (int steps = 0; std::find(have.begin(), have.end(), false) != have.end(); ++steps) {
      int from = static_cast<int>(rng.below(static_cast<std::uint32_t>(total)));
      if (steps > 200) from = static_cast<int>(std::find(have.begin(), have.end(), false) - have.begin());
      const int to = std::min(total, from + 1 + static_cast<int>(rng.below(largest)));
      In in = piece(from, std::min(to, kText));
      if (to > kText) in.flags |= kFin;
      c.arrive(in);
      if (c.counters.ooo_dropped == 0) std::fill(have.begin() + from, have.begin() + to, true);
      c.counters.ooo_dropped = 0;
      const auto in_order = std::find(have.begin(), have.end(), false) - have.begin();
      ASSERT_EQ(c.tcb.rcv_nxt - kIrs, static_cast<std::uint32_t>(1 + in_order));
      for (const OutSegment& s : std::exchange(c.sent, {})) {
        for (unsigned i = 0; i < s.n_sack; ++i) {  // whatever a block says, we hold
          ASSERT_TRUE(s.sack[i].left.before(s.sack[i].right));
          for (SeqNum b = s.sack[i].left; b != s.sack[i].right; b += 1) ASSERT_TRUE(have[b - kIrs - 1]);
        }
      }
      if (rng.per_mille(200)) got += c.read(rng.below(1000));
    }
    got += c.read();
    ASSERT_EQ(got, text(0, kText));
    ASSERT_EQ(c.tcb.state, fin ? State::kCloseWait : State::kEstablished);
    ASSERT_EQ(c.sides.used(), 0U);
  }
}

}  // namespace
}  // namespace sluice::tcp
