// SPDX-License-Identifier: BSD-3-Clause
#include "base/tick.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/rng.h"

namespace sluice {
namespace {

Instant at_ns(std::int64_t ns) { return Instant{.ns = ns}; }

TEST(Tick, FloorIsTheTickWithinAndCeilIsNeverEarly) {
  EXPECT_EQ(Tick::floor(at_ns(0)).value, 0U);
  EXPECT_EQ(Tick::floor(at_ns(kTickNs - 1)).value, 0U);
  EXPECT_EQ(Tick::floor(at_ns(kTickNs)).value, 1U);
  EXPECT_EQ(Tick::ceil(at_ns(kTickNs)).value, 1U);
  EXPECT_EQ(Tick::ceil(at_ns(kTickNs + 1)).value, 2U);
}

TEST(Tick, DeadlineIsNeverTheValueThatMeansNotArmed) {
  EXPECT_EQ(Tick::ceil(at_ns(0)).value, 1U);
  const std::int64_t wrap = kTickNs << 32U;
  EXPECT_EQ(Tick::ceil(at_ns(wrap)).value, 1U);
  EXPECT_EQ(Tick::ceil(at_ns(wrap - kTickNs)).value, 0xffffffffU);
  EXPECT_FALSE(Tick{}.armed());
  EXPECT_TRUE(Tick::ceil(at_ns(wrap)).armed());
}

// A deadline whole ticks ahead may be counted on from the present rounded up; even from the beginning of time, where a
// Tick of its own would be 1.
TEST(Tick, WholeTicksAddToThePresentRoundedUp) {
  constexpr std::int64_t kWrap = kTickNs << 32;
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{1}, kTickNs - 1, kTickNs, kTickNs + 1, kWrap - kTickNs,
                                 kWrap - 8000 * kTickNs, kWrap - 8000 * kTickNs - 1, kWrap, kWrap + 77}) {
    const Instant later = Instant{now} + Duration{8000 * kTickNs};
    EXPECT_EQ(Tick::not_zero(Tick::ceil_value(Instant{now}) + 8000), Tick::ceil(later)) << now;
  }
}

TEST(Tick, UntilCountsForwardAcrossTheWrapAndIsZeroForThePast) {
  EXPECT_EQ(Tick{5}.until(Tick{0xfffffffe}), 7U);
  EXPECT_EQ(Tick{0xfffffffe}.until(Tick{5}), 0U);
  EXPECT_EQ(Tick{9}.until(Tick{9}), 0U);
}

TEST(Tick, OrderAgreesWithInstantsLessThanThreeDaysApart) {
  Rng rng(1);
  constexpr std::int64_t kThreeDaysNs = std::int64_t{3} * 86400 * 1'000'000'000;
  for (int i = 0; i < 100000; ++i) {
    const std::int64_t now = static_cast<std::int64_t>(rng.next() >> 5U);
    const std::int64_t then = now + static_cast<std::int64_t>(rng.next() % kThreeDaysNs);
    const Tick floor = Tick::floor(at_ns(now));
    const Tick deadline = Tick::ceil(at_ns(then));
    ASSERT_FALSE(deadline.before(floor));
    const std::int64_t true_ticks = (then + kTickNs - 1) / kTickNs - now / kTickNs;
    ASSERT_GE(deadline.until(floor), true_ticks);
    ASSERT_LE(deadline.until(floor), true_ticks + 1);
  }
}

}  // namespace
}  // namespace sluice
