// SPDX-License-Identifier: BSD-3-Clause
// Case 75: a retransmission that is lost is sent again when what left after it has arrived (RFC 8985), without
// waiting for the RTO.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, LostRetransmissionIsSentAgainWithoutATimeout) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), sack_permitted());
  d.expect(SYN | ACK, seq(0), ack(1));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(20000);
  for (std::uint32_t i = 0; i < 10; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1), sack({{1001, 4001}}));
  d.expect(ACK, seq(1), bytes(1000));
  for (std::uint32_t right = 5001; right <= 10001; right += 1000) {
    d.send(ACK, seq(1), ack(1), sack({{1001, right}}));
  }
  d.expect(ACK, seq(10001), bytes(1000));
  (void)d.peer().take();
  d.advance(100ms);
  d.send(ACK, seq(1), ack(1), sack({{1001, 11001}}));  // the new one is there, the old one is not
  d.expect(ACK, seq(1), bytes(1000));
  (void)d.peer().take();
  d.send(ACK, seq(1), ack(11001));
  (void)d.peer().take();
}

}  // namespace sluice::script
