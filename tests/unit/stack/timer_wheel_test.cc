// SPDX-License-Identifier: BSD-3-Clause
#include "stack/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/rng.h"

namespace sluice::stack {
namespace {

struct Record {
  TimerNode node;
  Tick deadline;
};

struct Records {
  std::vector<Record>* all;

  [[nodiscard]] TimerNode& node(Handle handle) const noexcept { return (*all)[handle.index()].node; }
  [[nodiscard]] Tick& deadline(Handle handle) const noexcept { return (*all)[handle.index()].deadline; }
  void prefetch(Handle) const noexcept {}
};
using Wheel = TimerWheel<Records>;

// The kind varies with the index, so that every kind of link is in the lists.
Handle nth(std::uint32_t index) { return Handle::make(static_cast<Kind>(index % 3), index); }

struct Fixture {
  explicit Fixture(std::uint32_t count, std::uint32_t start = 1000) : records(count), wheel({&records}, Tick{start}) {}

  // Indices that fired, in order.
  std::vector<std::uint32_t> advance(std::uint32_t now, std::uint32_t budget = 0) {
    std::vector<std::uint32_t> fired;
    backlog = wheel.advance(Tick{now}, budget, [&](Handle handle) { fired.push_back(handle.index()); });
    return fired;
  }

  std::vector<Record> records;
  Wheel wheel;
  bool backlog = false;
};
using Fired = std::vector<std::uint32_t>;

TEST(TimerWheel, FiresAtItsTickAndOnce) {
  for (const std::uint32_t ahead : {1U, 2U, 255U, 256U, 257U, 511U, 512U, 513U, 65535U, 65536U, 70000U, 131072U,
                                    16777216U, 33554431U, 50000000U, 2147483647U}) {
    for (const std::uint32_t start : {0U, 1U, 255U, 256U, 1000U, 65535U, 0x7fffff00U, 0xfffffe80U, 0xffffffffU}) {
      Fixture f(1, start);
      f.wheel.arm(nth(0), Tick{start + ahead});
      const std::uint32_t due = f.records[0].deadline.value;  // 0 counts as 1
      EXPECT_TRUE(f.wheel.is_armed(nth(0)));
      EXPECT_EQ(f.advance(due - 1), Fired{}) << ahead << " from " << start;
      if (ahead != 2147483647U || due == start + ahead) {
        EXPECT_EQ(f.advance(due), Fired{0}) << ahead << " from " << start;
        EXPECT_FALSE(f.wheel.is_armed(nth(0)));
        EXPECT_FALSE(f.records[0].deadline.armed());
        EXPECT_EQ(f.advance(due + 600), Fired{});
        EXPECT_EQ(f.wheel.stats().late_max, 0U);
      }
    }
  }
}

TEST(TimerWheel, ZeroedRecordIsNotArmedAndCancelIsHarmless) {
  Fixture f(2);
  EXPECT_FALSE(f.wheel.is_armed(nth(0)));
  f.wheel.cancel(nth(0));
  EXPECT_EQ(f.wheel.armed(), 0U);
  EXPECT_EQ(f.wheel.next_deadline(Tick{1000}), std::nullopt);
}

TEST(TimerWheel, TickZeroIsNeverADeadlineNorABound) {
  Fixture f(2, 0xfffe0000U);
  f.wheel.arm(nth(0), Tick{0});
  EXPECT_EQ(f.records[0].deadline, Tick{1});
  f.wheel.arm(nth(0), Tick{0x50});  // on an upper level, in the slot that begins at tick 0
  EXPECT_EQ(f.wheel.next_deadline(Tick{0xfffe0000U}), Tick{1});
}

TEST(TimerWheel, CancelledNeverFires) {
  Fixture f(3);
  for (std::uint32_t i = 0; i < 3; ++i) f.wheel.arm(nth(i), Tick{1500});
  f.wheel.cancel(nth(1));
  EXPECT_FALSE(f.wheel.is_armed(nth(1)));
  Fired fired = f.advance(2000);
  std::sort(fired.begin(), fired.end());  // a tick's timers that came from an upper level have no promised order
  EXPECT_EQ(fired, (Fired{0, 2}));
}

TEST(TimerWheel, RearmMovesTheTimerBothWays) {
  Fixture f(2);
  f.wheel.arm(nth(0), Tick{1100});
  f.wheel.arm(nth(0), Tick{90000});
  f.wheel.arm(nth(1), Tick{90000});
  f.wheel.arm(nth(1), Tick{1100});
  EXPECT_EQ(f.wheel.armed(), 2U);
  EXPECT_EQ(f.advance(1100), Fired{1});
  EXPECT_EQ(f.advance(89999), Fired{});
  EXPECT_EQ(f.advance(90000), Fired{0});
}

TEST(TimerWheel, PassedDeadlineFiresAtTheNextAdvance) {
  Fixture f(2);
  f.advance(5000);
  f.wheel.arm(nth(0), Tick{4000});
  f.wheel.arm(nth(1), Tick{5000});
  EXPECT_EQ(f.wheel.next_deadline(Tick{5000}), Tick{5000});
  EXPECT_EQ(f.advance(5000), (Fired{0, 1}));
  EXPECT_EQ(f.wheel.stats().late_max, 1000U);
}

TEST(TimerWheel, BudgetBoundsACallAndTheRestFollowsInOrder) {
  Fixture f(100);
  for (std::uint32_t i = 0; i < 100; ++i) f.wheel.arm(nth(i), Tick{1010 + i / 10});
  Fired all;
  int calls = 0;
  do {
    const Fired some = f.advance(1100, 7);
    EXPECT_LE(some.size(), 7U);
    all.insert(all.end(), some.begin(), some.end());
    ++calls;
  } while (f.backlog);
  EXPECT_EQ(calls, 15);
  ASSERT_EQ(all.size(), 100U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(f.wheel.stats().backlogs, 14U);
}

// A hundred thousand timers in one upper slot: each call moves a bounded number of them,
// the work is done before the slot's time comes, and nobody is late.
TEST(TimerWheel, UpperSlotIsSpreadAheadInSmallSteps) {
  constexpr std::uint32_t kCount = 100'000;
  Fixture f(kCount, 0);
  for (std::uint32_t i = 0; i < kCount; ++i) f.wheel.arm(nth(i), Tick{2 * 65536 + i % 65536});
  std::size_t fired = 0;
  for (std::uint32_t now = 1; now < 3 * 65536; ++now) {
    const auto moved = f.wheel.stats().moved;
    fired += f.advance(now, 16).size();
    ASSERT_FALSE(f.backlog) << now;
    ASSERT_LE(f.wheel.stats().moved - moved, 32U);
  }
  EXPECT_EQ(fired, kCount);
  EXPECT_EQ(f.wheel.stats().late_max, 0U);
}

// The same with too small a budget: the wheel falls behind, loses nothing, fires nothing early and catches up.
TEST(TimerWheel, OverloadMakesTimersLateButBounded) {
  constexpr std::uint32_t kCount = 20'000;
  Fixture f(kCount, 0);
  for (std::uint32_t i = 0; i < kCount; ++i) f.wheel.arm(nth(i), Tick{3 * 256 + i % 256});
  std::size_t fired = 0;
  std::uint32_t now = 0;
  while (fired < kCount) {
    ASSERT_LT(++now, 3U * 256 + kCount / 32 + kCount / 16);  // moves, then firings
    fired += f.advance(now, 16).size();
  }
  EXPECT_FALSE(f.backlog);
  EXPECT_GT(f.wheel.stats().late_max, 500U);
  EXPECT_LE(f.wheel.stats().late_max, kCount / 32 + kCount / 16);
}

TEST(TimerWheel, FireMayRearmItself) {
  Fixture f(1);
  f.wheel.arm(nth(0), Tick{1010});
  std::vector<std::uint32_t> times;
  const auto fire = [&](Handle handle) {
    times.push_back(1010 + 300 * static_cast<std::uint32_t>(times.size()));
    f.wheel.arm(handle, Tick{times.back() + 300});
  };
  EXPECT_FALSE(f.wheel.advance(Tick{2000}, 0, fire));  // also for ticks that this call still reaches
  EXPECT_EQ(times.size(), 4U);
  EXPECT_EQ(f.wheel.next_deadline(Tick{2000}), Tick{2210});
}

TEST(TimerWheel, FireThatRearmsForNowWaitsForTheNextCall) {
  Fixture f(1);
  f.wheel.arm(nth(0), Tick{1010});
  int fired = 0;
  const auto fire = [&](Handle handle) { ++fired, f.wheel.arm(handle, Tick{1010}); };
  EXPECT_TRUE(f.wheel.advance(Tick{1010}, 0, fire));
  EXPECT_EQ(fired, 1);
  EXPECT_TRUE(f.wheel.advance(Tick{1010}, 0, fire));
  EXPECT_EQ(fired, 2);
}

TEST(TimerWheel, FireMayCancelNeighboursAndReuseRecords) {
  Fixture f(6);
  for (std::uint32_t i = 0; i < 6; ++i) f.wheel.arm(nth(i), Tick{1010});
  Fired fired;
  f.wheel.advance(Tick{1010}, 0, [&](Handle handle) {
    fired.push_back(handle.index());
    f.wheel.cancel(nth(1));                         // the next one
    f.wheel.cancel(nth(5));                         // the last one
    f.records[handle.index()] = {};                 // released
    if (handle.index() == 2) f.wheel.arm(nth(3), Tick{1011});
  });
  EXPECT_EQ(fired, (Fired{0, 2, 4}));
  EXPECT_EQ(f.advance(1011), Fired{3});
}

TEST(TimerWheel, HugeJumpFiresInOrderOfTicks) {
  Fixture f(1000, 0xfff00000U);
  Rng rng(1);
  std::vector<std::uint32_t> ahead(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ahead[i] = 1 + rng.below(0x7fffffff);
    f.wheel.arm(nth(i), Tick{0xfff00000U + ahead[i]});
  }
  const Fired fired = f.advance(0xfff00000U + 0x7fffffffU);
  ASSERT_EQ(fired.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end(), [&](auto a, auto b) { return ahead[a] < ahead[b]; }));
}

// A virtual clock that jumps to next_deadline() meets every deadline exactly and ends.
TEST(TimerWheel, NextDeadlineLeadsAVirtualClockThroughAllTimers) {
  Fixture f(500, 0xffffff00U);
  Rng rng(2);
  std::multimap<std::uint32_t, std::uint32_t> expected;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const std::uint32_t ahead = 1 + (rng.below(0x7ffffffe) >> rng.below(31));
    f.wheel.arm(nth(i), Tick{0xffffff00U + ahead});
    expected.emplace(f.records[i].deadline.value - 0xffffff00U, i);
  }
  Tick now{0xffffff00U};
  int steps = 0;
  while (const auto next = f.wheel.next_deadline(now)) {
    ASSERT_LT(++steps, 3000);
    ASSERT_TRUE(now.before(*next));
    ASSERT_LE(next->value - 0xffffff00U, expected.begin()->first);
    now = *next;
    for (const auto i : f.advance(now.value)) {
      const auto [from, to] = expected.equal_range(now.value - 0xffffff00U);
      const auto at = std::find_if(from, to, [&](const auto& entry) { return entry.second == i; });
      ASSERT_NE(at, to);
      expected.erase(at);
    }
    ASSERT_FALSE(f.backlog);
  }
  EXPECT_TRUE(expected.empty());
  EXPECT_EQ(f.wheel.stats().late_max, 0U);
}

// The naive wheel: 64-bit deadlines in a table, searched whole.
class Model {
 public:
  Model(std::uint64_t seed, std::uint32_t count, std::uint64_t start)
      : rng_(seed), f_(count, static_cast<std::uint32_t>(start)), due_(count), now_(start) {}

  void step() {
    const std::uint32_t what = rng_.below(100);
    if (what < 45) return arm(any());
    if (what < 60) return cancel(any());
    check_next_deadline();
    advance(what);
  }
  [[nodiscard]] std::uint64_t now() const { return now_; }

 private:
  std::uint32_t any() { return rng_.below(static_cast<std::uint32_t>(due_.size())); }

  // Mostly near, sometimes past, up to half the range: every level and its edges.
  void arm(std::uint32_t i) {
    std::uint64_t deadline = now_ + (rng_.below(0x7fff0000) >> rng_.below(31));
    if (rng_.per_mille(100)) deadline = now_ - std::min<std::uint64_t>(now_, rng_.below(1000));
    if (rng_.per_mille(100)) deadline = (deadline | 0xff) + rng_.below(3);
    if (static_cast<std::uint32_t>(deadline) == 0) ++deadline;
    f_.wheel.arm(nth(i), Tick{static_cast<std::uint32_t>(deadline)});
    due_[i] = deadline;
  }
  void cancel(std::uint32_t i) {
    f_.wheel.cancel(nth(i));
    due_[i].reset();
  }

  [[nodiscard]] std::optional<std::uint64_t> first_due() const {
    std::optional<std::uint64_t> first;
    for (const auto& due : due_) {
      if (due && (!first || *due < *first)) first = due;
    }
    return first;
  }

  void check_next_deadline() {
    const auto first = first_due();
    const auto bound = f_.wheel.next_deadline(Tick{static_cast<std::uint32_t>(now_)});
    ASSERT_EQ(bound.has_value(), first.has_value());
    if (!first) return;
    const std::uint64_t ahead = bound->value - static_cast<std::uint32_t>(now_);
    ASSERT_LE(now_ + ahead, std::max(*first, now_));
    ASSERT_TRUE(ahead > 0 || *first <= now_ || backlog_);
  }

  void advance(std::uint32_t what) {
    if (what >= 90 && !backlog_) {
      now_ += rng_.below(0x3fffffff) >> rng_.below(30);
    } else if (what >= 85 && !backlog_) {
      if (const auto first = first_due()) now_ = std::min(std::max(now_, *first), now_ + 0x3fffffff);
    } else {
      now_ += rng_.below(4);
    }
    const std::uint32_t budget = rng_.per_mille(300) ? 1 + rng_.below(5) : 0;
    std::uint32_t fired = 0;
    late_armed_ = false;
    backlog_ = f_.wheel.advance(Tick{static_cast<std::uint32_t>(now_)}, budget, [&](Handle handle) {
      ++fired;
      on_fire(handle);
    });
    ASSERT_TRUE(fired <= budget || budget == 0);
    const auto first = first_due();
    // Without a budget what is left can only have been armed by a timer that fired.
    const bool left = first && *first <= now_;
    ASSERT_TRUE(!left || budget != 0 || late_armed_);
    ASSERT_TRUE(!left || backlog_);
    ASSERT_EQ(f_.wheel.armed(), std::count_if(due_.begin(), due_.end(), [](const auto& due) { return !!due; }));
    for (std::uint32_t i = 0; i < due_.size(); ++i) ASSERT_EQ(f_.wheel.is_armed(nth(i)), due_[i].has_value());
  }

  void on_fire(Handle handle) {
    const std::uint32_t i = handle.index();
    ASSERT_EQ(handle, nth(i));
    ASSERT_TRUE(due_[i].has_value()) << "fired though not armed";
    ASSERT_LE(*due_[i], now_) << "fired early";
    due_[i].reset();
    ASSERT_FALSE(f_.wheel.is_armed(handle));
    for (int n = 0; n < 3; ++n) {
      if (!rng_.per_mille(300)) continue;
      const std::uint32_t other = rng_.per_mille(300) ? i : any();
      if (rng_.per_mille(400)) {
        cancel(other);
      } else {
        arm(other);
        late_armed_ = late_armed_ || *due_[other] <= now_;
      }
    }
  }

  Rng rng_;
  Fixture f_;
  std::vector<std::optional<std::uint64_t>> due_;  // a deadline each, if armed
  std::uint64_t now_;
  bool backlog_ = false;
  bool late_armed_ = false;  // a firing timer armed one for a tick that had been reached
};

TEST(TimerWheel, AgreesWithANaiveModelUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed);
    const std::uint64_t start = rng.per_mille(500) ? 0xffffffffULL - rng.below(2000) : rng.next() >> 32U;
    Model model(seed, seed % 4 == 0 ? 5 : 60, start);
    for (int i = 0; i < 6000; ++i) {
      model.step();
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "operation " << i << " at tick " << model.now();
    }
  }
}

}  // namespace
}  // namespace sluice::stack
