// SPDX-License-Identifier: BSD-3-Clause
// The send map against a plain array with an entry a byte, under random operations.
#include "tcp/send_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace sluice::tcp {
namespace {

constexpr SeqNum kBase{0xffffe000};  // wraps on the way
constexpr std::uint32_t kSlotUs = 10;

struct Byte {
  std::uint32_t sent_us = 0;
  Fate fate = Fate::kOut;
  bool resent = false, was_sacked = false;
};

// Both, side by side.
class Pair {
 public:
  explicit Pair(std::uint32_t mores) : more_(std::max(mores, 1U)) {
    if (mores == 0) held_ = more_.take();
  }
  ~Pair() {
    open().clear();
    EXPECT_EQ(more_.used(), held_ == kNoIndex ? 0U : 1U);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  [[nodiscard]] SendRecords open() { return {map_, kBase + una_, more_}; }
  [[nodiscard]] std::uint32_t una() const { return una_; }
  [[nodiscard]] std::uint32_t end() const { return static_cast<std::uint32_t>(bytes_.size()); }
  [[nodiscard]] SendMap& map() { return map_; }

  void append(std::uint32_t n, std::uint32_t now_us) {
    const bool joins = end() != una_ && bytes_.back().fate == Fate::kOut && !bytes_.back().resent &&
                       !bytes_.back().was_sacked && now_us - bytes_.back().sent_us <= kSlotUs;
    const Byte fresh{joins ? bytes_.back().sent_us : now_us};
    bytes_.insert(bytes_.end(), n, fresh);
    open().append(kBase + end(), now_us, kSlotUs);
  }
  void advance(std::uint32_t by) {
    std::uint32_t heard = una_;
    const std::uint32_t una = una_ + by;
    open().advance(kBase + una, [&](const SendRecord& record, SeqNum begin, SeqNum gone_end) {
      EXPECT_EQ(begin, kBase + heard);
      heard = gone_end - kBase;
      compare(record, begin - kBase, heard);
    });
    EXPECT_EQ(heard, una);
    una_ = una;
    for (std::uint32_t i = una_; i < end() && bytes_[i].fate == Fate::kSacked; ++i) {
      bytes_[i].fate = Fate::kOut;
      bytes_[i].was_sacked = true;
      adopt(i);
    }
  }
  void sack(std::uint32_t left, std::uint32_t right) {
    std::uint32_t expected = 0;
    for (std::uint32_t i = left; i < right; ++i) expected += bytes_[i].fate == Fate::kSacked ? 0 : 1;
    std::uint32_t heard = 0;
    const std::uint32_t news =
        open().sack(kBase + left, kBase + right, [&](const SendRecord& record, SeqNum begin, SeqNum news_end) {
          compare(record, begin - kBase, news_end - kBase);
          heard += news_end - begin;
        });
    EXPECT_EQ(news, expected);
    EXPECT_EQ(heard, expected);
    for (std::uint32_t i = left; i < right; ++i) bytes_[i].fate = Fate::kSacked;
  }
  void lose(std::uint32_t left, std::uint32_t right) {
    open().lose(kBase + left, kBase + right);
    for (std::uint32_t i = left; i < right; ++i) {
      if (bytes_[i].fate == Fate::kOut) bytes_[i].fate = Fate::kLost;
    }
  }
  // The first lost bytes go again, at most so many.
  void resend(std::uint32_t most, std::uint32_t now_us) {
    const SendRecords::Stretch lost = open().first_lost();
    std::uint32_t left = una_;
    while (left < end() && bytes_[left].fate != Fate::kLost) ++left;
    if (left == end()) {
      EXPECT_EQ(lost.left, lost.right);
      return;
    }
    std::uint32_t right = left;
    while (right < end() && bytes_[right].fate == Fate::kLost) ++right;
    ASSERT_EQ(lost.left, kBase + left);
    ASSERT_EQ(lost.right, kBase + right);
    right = std::min(right, left + most);
    open().resend(kBase + left, kBase + right, now_us);
    for (std::uint32_t i = left; i < right; ++i) bytes_[i] = Byte{now_us, Fate::kOut, true, bytes_[i].was_sacked};
  }
  void forget() {
    open().forget_sacked();
    for (std::uint32_t i = una_; i < end(); ++i) {
      if (bytes_[i].fate != Fate::kSacked) continue;
      bytes_[i].fate = Fate::kOut;
      bytes_[i].was_sacked = true;
      adopt(i);
    }
  }
  void forgive() {
    open().forgive();
    for (std::uint32_t i = una_; i < end(); ++i) {
      if (bytes_[i].fate == Fate::kLost) bytes_[i].fate = Fate::kOut;
    }
  }
  void check() {
    ASSERT_TRUE(open().consistent());
    std::uint32_t sums[3] = {};
    const SendRecords records = open();
    for (unsigned i = 0; i < records.size(); ++i) {
      ASSERT_TRUE(records.begin(i).before(records[i].end));
      compare(records[i], records.begin(i) - kBase, records[i].end - kBase);
    }
    for (std::uint32_t i = una_; i < end(); ++i) ++sums[static_cast<int>(bytes_[i].fate)];
    ASSERT_EQ(records.size() == 0 ? una_ : records[records.size() - 1].end - kBase, end());
    ASSERT_EQ(map_.sacked, sums[static_cast<int>(Fate::kSacked)]);
    ASSERT_EQ(map_.lost, sums[static_cast<int>(Fate::kLost)]);
    const std::uint32_t since_us = end() == una_ ? 0 : bytes_.back().sent_us;
    const bool awaits = std::any_of(bytes_.begin() + una_, bytes_.end(), [&](const Byte& b) {
      return b.resent && b.fate == Fate::kOut && static_cast<std::int32_t>(b.sent_us - since_us) >= 0;
    });
    ASSERT_EQ(records.awaits_resent(since_us), awaits);
  }

 private:
  static bool agrees(const SendRecord& record, const Byte& byte) {
    if (record.fate != byte.fate) return false;
    if (record.fate == Fate::kSacked) return true;  // of reported bytes nothing else is kept apart
    return record.sent_us == byte.sent_us && record.resent == byte.resent && record.was_sacked == byte.was_sacked;
  }
  void compare(const SendRecord& record, std::uint32_t begin, std::uint32_t stretch_end) const {
    std::uint32_t i = begin;
    while (i < stretch_end && agrees(record, bytes_[i])) ++i;
    ASSERT_EQ(i, stretch_end) << static_cast<int>(record.fate) << " sent " << record.sent_us << ", not " << static_cast<int>(bytes_[i].fate)
                              << " sent " << bytes_[i].sent_us;
  }
  // Reported bytes shared a record: the newest of their times holds for all.
  void adopt(std::uint32_t i) {
    const SendRecords records = open();
    const SendRecord& record = records.holding(kBase + i);
    EXPECT_GE(static_cast<std::int32_t>(record.sent_us - bytes_[i].sent_us), 0);
    bytes_[i] = Byte{record.sent_us, bytes_[i].fate, record.resent, record.was_sacked};
  }

  Slab<SendMore> more_;
  SendMap map_;
  std::vector<Byte> bytes_;
  std::uint32_t una_ = 0;
  std::uint32_t held_ = kNoIndex;
};

TEST(SendMap, AgreesWithAPlainModelUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Pair pair(1);
    std::uint32_t now_us = 0xfffffff0;
    for (int step = 0; step < 300; ++step) {
      now_us += rng.below(8);
      const std::uint32_t out = pair.end() - pair.una();
      const std::uint32_t left = pair.una() + 1 + (out > 1 ? rng.below(out - 1) : 0);
      const std::uint32_t right = left < pair.end() ? left + 1 + rng.below(std::min(pair.end() - left, 40U)) : left;
      switch (rng.below(12)) {
        case 0:
        case 1:
        case 2: pair.append(1 + rng.below(60), now_us); break;
        case 3: pair.advance(rng.below(std::min(out + 1, 60U))); break;
        case 4:
        case 5:
        case 6:
          if (left < right) pair.sack(left, right);
          break;
        case 7:
        case 8:
          if (left < right) pair.lose(left, right);
          break;
        case 9:
        case 10: pair.resend(1 + rng.below(20), now_us); break;
        case 11:
          if (rng.below(4) == 0) pair.forget();
          if (rng.below(4) == 0) pair.forgive();
      }
      pair.check();
      if (testing::Test::HasFailure()) return;
    }
    pair.advance(pair.end() - pair.una());
    EXPECT_EQ(pair.open().size(), 0U);
  }
}

// Without room: what is kept is less, and never wrong where a byte would be sent again that need not be.
TEST(SendMap, StaysInBoundsWithoutRoom) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Slab<SendMore> more(1);
    const std::uint32_t held = more.take();
    SendMap map;
    std::vector<bool> reported(60'000);
    std::uint32_t una = 0;
    std::uint32_t end = 0;
    std::uint32_t now_us = 1;
    for (int step = 0; step < 400; ++step) {
      now_us += 20;
      SendRecords records(map, kBase + una, more);
      const std::uint32_t room = end - una;
      switch (rng.below(5)) {
        case 0:
          end += 1 + rng.below(100);
          records.append(kBase + end, now_us, kSlotUs);
          break;
        case 1: {
          const std::uint32_t by = rng.below(room + 1);
          records.advance(kBase + una + by, [](const SendRecord&, SeqNum, SeqNum) {});
          una += by;
          break;
        }
        case 2:
        case 3: {
          if (room < 3) break;
          const std::uint32_t left = una + 1 + rng.below(room - 2);
          const std::uint32_t right = left + 1 + rng.below(end - left - 1);
          for (std::uint32_t i = left; i < right; ++i) reported[i] = true;
          records.sack(kBase + left, kBase + right, [](const SendRecord&, SeqNum, SeqNum) {});
          break;
        }
        case 4: {
          if (room < 3) break;
          records.lose(kBase + una, kBase + una + 1 + rng.below(room - 1));
          const SendRecords::Stretch lost = records.first_lost();
          if (lost.left != lost.right) records.resend(lost.left, lost.left + std::min(lost.right - lost.left, 7U), now_us);
        }
      }
      ASSERT_LE(records.size(), SendMap::kOwn);
      std::uint32_t sacked = 0;
      std::uint32_t lost = 0;
      const SendRecords now(map, kBase + una, more);
      for (unsigned i = 0; i < now.size(); ++i) {
        ASSERT_TRUE(now.begin(i).before(now[i].end));
        sacked += now[i].fate == Fate::kSacked ? now.bytes(i) : 0;
        lost += now[i].fate == Fate::kLost ? now.bytes(i) : 0;
        for (SeqNum b = now.begin(i); now[i].fate == Fate::kSacked && b != now[i].end; b += 1) {
          ASSERT_TRUE(reported[b - kBase]);
        }
      }
      ASSERT_EQ(map.sacked, sacked);
      ASSERT_EQ(map.lost, lost);
      ASSERT_EQ(now.size() == 0 ? una : now[now.size() - 1].end - kBase, end);
    }
    SendRecords(map, kBase + una, more).clear();
    more.give(held);
    EXPECT_EQ(more.used(), 0U);
  }
}

// A peer that reports every second byte reaches the bound, and no further.
TEST(SendMap, ManyHolesAreBounded) {
  for (const std::uint32_t bytes : {4000U, 2'000'000U, 30'000'000U}) {
    Slab<SendMore> more(128);
    SendMap map;
    SendRecords records(map, kBase, more);
    records.append(kBase + bytes, 1, kSlotUs);
    const unsigned limit = std::min(std::max(SendMore::kRecords, bytes / SendRecords::kBytesPerRecord), SendRecords::kMaxRecords);
    for (std::uint32_t left = 1; left < 40'000 && left + 1 < bytes; left += 2) {
      records.sack(kBase + left, kBase + left + 1, [](const SendRecord&, SeqNum, SeqNum) {});
    }
    EXPECT_LE(records.size(), limit) << bytes;
    EXPECT_GT(records.size(), limit * 8 / 10) << bytes;
    EXPECT_LE(more.used(), SendMap::kMostBlocks);
    EXPECT_TRUE(records.consistent());
    records.clear();
    EXPECT_EQ(more.used(), 0U);
  }
}

// Beyond its first block a connection leaves half of them to others.
TEST(SendMap, LeavesBlocksToOthers) {
  Slab<SendMore> more(8);
  SendMap map;
  SendRecords records(map, kBase, more);
  records.append(kBase + 30'000'000, 1, kSlotUs);
  for (std::uint32_t left = 1; left < 40'000; left += 2) {
    records.sack(kBase + left, kBase + left + 1, [](const SendRecord&, SeqNum, SeqNum) {});
  }
  EXPECT_EQ(more.used(), 4U);
  records.clear();
}

// What a slow start that overshoots makes of it: thousands of segments, half of them lost, reported in order, sent again,
// and lost again now and then.
TEST(SendMap, AgreesWithAPlainModelOverThousandsOfHoles) {
  constexpr std::uint32_t kSegment = 600;
  constexpr std::uint32_t kSegments = 3500;  // which makes 2050 records at most
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Pair pair(64);
    std::uint32_t now_us = 0xfffffff0;
    for (std::uint32_t i = 0; i < kSegments; ++i) pair.append(kSegment, now_us += 1);
    const unsigned every = 5 + rng.below(3);
    for (std::uint32_t i = 1; i + 1 < kSegments; ++i) {
      if (i % every == 0) pair.sack(i * kSegment, (i + 1) * kSegment);
      if (i % 1000 == 0) pair.check();
    }
    EXPECT_GT(pair.map().n_blocks, 3);
    pair.lose(0, (kSegments - 1) * kSegment);
    pair.check();
    std::uint32_t reported = 0;
    for (int step = 0; pair.una() < pair.end() && step < 20'000; ++step) {
      now_us += rng.below(8);
      pair.resend(1 + rng.below(every * kSegment), now_us);
      if (rng.below(3) == 0) {
        reported = std::max(reported, pair.una() / kSegment) + 1 + rng.below(every);
        if (reported < kSegments) pair.sack(reported * kSegment, (reported + 1) * kSegment);
      }
      if (rng.below(5) == 0) pair.advance(rng.below(std::min(pair.end() - pair.una(), 40'000U) + 1));
      if (step % 100 == 0) pair.check();
      if (step == 150) pair.forget();
      if (step == 250) pair.forgive();
      if (testing::Test::HasFailure()) return;
    }
    pair.advance(pair.end() - pair.una());
    EXPECT_EQ(pair.open().size(), 0U);
  }
}

// lose_where() hears of everything that left early enough, whatever blocks it skips.
TEST(SendMap, ABlockIsSkippedOnlyIfNothingInItIsOld) {
  Slab<SendMore> more(64);
  SendMap map;
  SendRecords records(map, kBase, more);
  std::uint32_t now_us = 100;
  for (std::uint32_t i = 1; i <= 4000; ++i) records.append(kBase + 1000 * i, now_us += kSlotUs + 1, kSlotUs);
  ASSERT_GT(map.n_blocks, 8);
  Rng rng(1);
  for (int turn = 0; turn < 200; ++turn) {
    const std::uint32_t latest_us = 100 + rng.below(now_us);
    const std::uint32_t left = 1000 * rng.below(3999);
    records.resend(kBase + left, kBase + left + 1000, 100 + rng.below(now_us));
    unsigned expected = 0;
    for (unsigned i = 0; i < records.size(); ++i) expected += records[i].fate == Fate::kOut && records[i].sent_us <= latest_us ? 1 : 0;
    unsigned heard = 0;
    records.lose_where(latest_us, false, [&](const SendRecord& record, SeqNum) {
      heard += record.sent_us <= latest_us ? 1 : 0;
      return rng.below(50) == 0;
    });
    ASSERT_EQ(heard, expected);
    ASSERT_TRUE(records.consistent());
  }
  records.clear();
}

// A window that was shut for longer than the clock takes half round.
TEST(SendMap, AllIsLostHoweverLongAgoItLeft) {
  Slab<SendMore> more(64);
  SendMap map;
  SendRecords records(map, kBase, more);
  std::uint32_t now_us = 100;
  for (std::uint32_t i = 1; i <= 1000; ++i) records.append(kBase + 1000 * i, now_us += kSlotUs + 1, kSlotUs);
  ASSERT_GT(map.n_blocks, 1);
  records.lose_where(now_us + 0x90000000U, true, [](const SendRecord&, SeqNum) { return true; });
  EXPECT_EQ(map.lost, 1'000'000U);
  ASSERT_TRUE(records.consistent());
  records.clear();
}

}  // namespace
}  // namespace sluice::tcp
