// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.3, fourth: text on a SYN|ACK is taken with it.
#include "script/dialogue.h"
#include "script/reach.h"

namespace sluice::script {

TEST_P(Family, TextOnTheSynAckIsDelivered) {
  const auto d = reach(GetParam(), State::kSynSent);
  d->send(SYN | ACK, seq(0), ack(1), mss(1000), data("hello"));
  d->expect(ACK, seq(1), ack(6));
  d->state_is(State::kEstablished);
  EXPECT_EQ(d->app().received(), "hello");
}

}  // namespace sluice::script
