// SPDX-License-Identifier: BSD-3-Clause
// DCTCP's estimate and its answer, by RFC 8257 3.3 with g = 1/16.
#include "tcp/cc_dctcp.h"

#include <gtest/gtest.h>

namespace sluice::tcp {
namespace {

constexpr double kOne = 1U << dctcp::kAlphaShift;

class Observed {
 public:
  Observed() {
    tcb.mss = 1000;
    tcb.cwnd = 20'000;
    tcb.snd_nxt = tcb.snd_una + tcb.cwnd;
  }
  // One window of twenty segments, the first `marked` of them with an echo.
  void window(int marked) {
    for (int i = 0; i < 20; ++i) {
      tcb.snd_una += 1000;
      dctcp::observe(tcb, state, 1000, i < marked);
      tcb.snd_nxt = tcb.snd_una + tcb.cwnd;
    }
  }
  [[nodiscard]] double alpha() const { return state.alpha / kOne; }

  Tcb tcb;
  Dctcp state;
};

TEST(Dctcp, AlphaDecaysByASixteenthAWindowWithoutMarks) {
  Observed o;
  EXPECT_EQ(o.alpha(), 1.0);
  o.window(0);
  EXPECT_NEAR(o.alpha(), 15.0 / 16, 1e-4);
  for (int i = 0; i < 9; ++i) o.window(0);
  EXPECT_NEAR(o.alpha(), 0.5245, 0.04) << "(15/16)^10; windows here end a segment early";
}

TEST(Dctcp, AlphaApproachesTheMarkedFraction) {
  Observed o;
  for (int i = 0; i < 200; ++i) o.window(5);
  EXPECT_NEAR(o.alpha(), 0.25, 0.03);
  for (int i = 0; i < 200; ++i) o.window(20);
  EXPECT_NEAR(o.alpha(), 1.0, 1e-3);
}

// alpha = 1 * 15/16 + 1/16 * 1/2 after a first window of which half was marked.
TEST(Dctcp, OneWindowCountsForASixteenth) {
  Observed o;
  o.window(10);
  EXPECT_NEAR(o.alpha(), 15.0 / 16 + 0.5 / 16, 1e-4);
}

TEST(Dctcp, ReducesByHalfOfAlpha) {
  Observed o;
  dctcp::reduce(o.tcb, o.state);
  EXPECT_EQ(o.tcb.cwnd, 10'000U) << "alpha 1: as Reno";
  o.tcb.cwnd = 100'000;
  o.state.alpha = 1U << (dctcp::kAlphaShift - 2);
  dctcp::reduce(o.tcb, o.state);
  EXPECT_EQ(o.tcb.cwnd, 87'500U) << "alpha 1/4: by an eighth";
  EXPECT_EQ(o.tcb.ssthresh, 87'500U);
  o.tcb.cwnd = 2000;
  o.state.alpha = 1U << dctcp::kAlphaShift;
  dctcp::reduce(o.tcb, o.state);
  EXPECT_EQ(o.tcb.cwnd, 2000U) << "never below two segments";
}

}  // namespace
}  // namespace sluice::tcp
