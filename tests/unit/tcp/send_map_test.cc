// SPDX-License-Identifier: BSD-3-Clause
// The send map against a plain array with an entry a byte, under random operations.
#include "tcp/send_map.h"

#include <gtest/gtest.h>

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
  }

 private:
  void compare(const SendRecord& record, std::uint32_t begin, std::uint32_t stretch_end) const {
    for (std::uint32_t i = begin; i < stretch_end; ++i) {
      ASSERT_EQ(record.fate, bytes_[i].fate) << i;
      if (record.fate == Fate::kSacked) continue;  // of reported bytes nothing else is kept apart
      ASSERT_EQ(record.sent_us, bytes_[i].sent_us) << i;
      ASSERT_EQ(record.resent, bytes_[i].resent) << i;
      ASSERT_EQ(record.was_sacked, bytes_[i].was_sacked) << i;
    }
  }
  // Reported bytes shared a record: the newest of their times holds for all.
  void adopt(std::uint32_t i) {
    const SendRecords records = open();
    const SendRecord& record = records[records.find(kBase + i)];
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
  Pair pair(1);
  pair.append(4000, 1);
  for (std::uint32_t left = 1; left + 1 < 4000; left += 2) {
    SendRecords records = pair.open();
    records.sack(kBase + left, kBase + left + 1, [](const SendRecord&, SeqNum, SeqNum) {});
  }
  EXPECT_EQ(pair.open().size(), SendRecords::kMaxRecords);
}

}  // namespace
}  // namespace sluice::tcp
