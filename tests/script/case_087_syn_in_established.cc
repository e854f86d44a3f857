// SPDX-License-Identifier: BSD-3-Clause
// Case 87: a SYN in a synchronized state, wherever it points, gets a challenge ACK (RFC 5961 4.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SynInEstablishedIsChallenged) {
  Dialogue d(GetParam());
  d.establish();
  for (const std::uint32_t at : {0U, 1U, 500U, 500000U}) {
    d.send(SYN, seq(at), mss(1000));
    d.verdict_is(Verdict::kSynChallenge);
    d.expect(ACK, seq(1), ack(1));
    d.advance(500ms);
  }
  d.state_is(State::kEstablished);
  EXPECT_FALSE(d.app().closed().has_value());
}

}  // namespace sluice::script
