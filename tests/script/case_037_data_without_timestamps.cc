// SPDX-License-Identifier: BSD-3-Clause
// Case 37: text without the timestamps that were negotiated is accepted, as by Linux.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TextWithoutNegotiatedTimestampsIsAccepted) {
  Dialogue d(GetParam());
  d.establish(timestamps());
  d.send(ACK, without_timestamps(), data("bare"));
  d.expect(ACK, ack(5));
  EXPECT_EQ(d.app().received(), "bare");
}

}  // namespace sluice::script
