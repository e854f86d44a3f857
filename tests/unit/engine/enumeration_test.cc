// SPDX-License-Identifier: BSD-3-Clause
#include "engine/enumeration.h"

#include <gtest/gtest.h>

#include <new>
#include <vector>

namespace sluice::engine {
namespace {

using Slice = std::vector<ConnectionReport>;

constexpr std::chrono::milliseconds kLong{60'000};
bool never_ended() { return false; }

TEST(EnumerationTest, NothingIsMadeWhileEnoughWaits) {
  Enumeration list;
  unsigned made = 0;
  const auto make = [&made](Slice& slice) {
    slice.resize(2);
    slice[0].shard = made;
    return ++made < 100;
  };
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(list.add(make));
  EXPECT_EQ(made, Enumeration::kSlicesMax);
  for (unsigned taken = 0; taken < 100; ++taken) {
    const auto slice = list.next(1, kLong, never_ended);
    ASSERT_TRUE(slice.ok());
    ASSERT_EQ(slice->size(), 2U);
    EXPECT_EQ(slice->at(0).shard, taken);
    for (int i = 0; i < 10 && !(made < 100 && list.add(make)); ++i) {}
    EXPECT_LE(made, taken + 1 + Enumeration::kSlicesMax);
  }
  EXPECT_TRUE(list.next(1, kLong, never_ended)->empty());
}

TEST(EnumerationTest, EmptySlicesTakeNoPlaceAndEveryShardHasToBeDone) {
  Enumeration list;
  const auto nothing_yet = [](Slice&) { return true; };
  const auto nothing = [](Slice&) { return false; };
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(list.add(nothing_yet));
  EXPECT_TRUE(list.add(nothing));
  EXPECT_EQ(list.next(2, std::chrono::milliseconds(1), never_ended).error().code, Errc::kTimedOut);
  EXPECT_EQ(list.next(2, kLong, [] { return true; }).error().code, Errc::kNoDevice);
  EXPECT_TRUE(list.add(nothing));
  EXPECT_TRUE(list.next(2, kLong, never_ended)->empty());
}

TEST(EnumerationTest, WantOfMemoryIsTold) {
  Enumeration list;
  EXPECT_TRUE(list.add([](Slice&) -> bool { throw std::bad_alloc(); }));
  const auto slice = list.next(1, kLong, never_ended);
  ASSERT_FALSE(slice.ok());
  EXPECT_EQ(slice.error().code, Errc::kNoMemory);
}

TEST(EnumerationTest, AShardIsDoneWhenNobodyListens) {
  Enumeration list;
  list.leave();
  EXPECT_TRUE(list.add([](Slice&) -> bool {
    ADD_FAILURE() << "made for nobody";
    return true;
  }));
}

}  // namespace
}  // namespace sluice::engine
