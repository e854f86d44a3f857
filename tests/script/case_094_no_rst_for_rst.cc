// SPDX-License-Identifier: BSD-3-Clause
// Case 94: no RST is ever answered by a RST.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, NoStateAnswersAResetWithAReset) {
  for (const State state : kReachable) {
    for (const unsigned flags : {RST, RST | ACK}) {
      for (const std::uint32_t at : {0U, 1U, 2U, 3U, 1000U, 1000000U}) {
        const auto d = reach(GetParam(), state);
        d->send(flags, seq(at), ack(1));
        for (const Heard& h : d->peer().take()) EXPECT_EQ(h.flags & RST, 0U) << state_name(state);
      }
    }
  }
}

}  // namespace sluice::script
