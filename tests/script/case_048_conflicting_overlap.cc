// SPDX-License-Identifier: BSD-3-Clause
// Case 48: where copies of a byte differ the choice is consistent: what arrives in order wins over what is
// queued.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, InOrderArrivalWinsOverTheQueuedBlock) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(5), ack(1), data("BBBB"));
  d.expect(ACK, ack(1));
  d.send(ACK, seq(1), ack(1), data("aaaaaa"));
  d.expect(ACK, ack(9));
  EXPECT_EQ(d.app().received(), "aaaaaaBB");
}

TEST_P(Family, QueuedBlockWinsOverALaterPartialOne) {
  Dialogue d(GetParam());
  d.establish();
  d.send(ACK, seq(5), ack(1), data("BBBB"));
  d.expect(ACK, ack(1));
  d.send(ACK, seq(7), ack(1), data("CCCC"));
  d.expect(ACK, ack(1));
  d.send(ACK, seq(1), ack(1), data("aaaa"));
  d.expect(ACK, ack(11));
  EXPECT_EQ(d.app().received(), "aaaaBBBBCC");
}

}  // namespace sluice::script
