// SPDX-License-Identifier: BSD-3-Clause
// Case 53: sequence numbers wrap, theirs and ours.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TheirNumbersWrap) {
  Scene scene;
  scene.isn = 0xfffffff0;
  Dialogue d(GetParam(), scene);
  d.establish(sack_permitted());
  d.send(ACK, seq(11), ack(1), bytes(10));
  d.expect(ACK, ack(1), sack({{11, 21}}));
  d.send(ACK, seq(1), ack(1), bytes(10));
  d.expect(ACK, ack(21));
  d.send(ACK, seq(21), ack(1), bytes(100));
  d.expect(ACK, ack(121));
  EXPECT_TRUE(d.app().has_bytes(120));
  d.send(FIN | ACK, seq(121), ack(1));
  d.expect(ACK, ack(122));
}

TEST_P(Family, OurNumbersWrap) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(RST, seq(1));
  const std::uint32_t ahead = 0xfffffff0 - d.peer().iss();  // the ISN clock ticks each 4 us
  d.advance(std::chrono::microseconds(4LL * ahead));
  d.peer().forget(0x20000000);
  d.establish(sack_permitted());
  ASSERT_EQ(d.peer().iss(), 0xfffffff0U);
  d.app().send_bytes(3000);
  for (std::uint32_t i = 0; i < 3; ++i) d.expect(ACK, seq(1 + 1000 * i), bytes(1000));
  d.send(ACK, seq(1), ack(1), sack({{1001, 3001}}));
  d.advance(1ms);
  d.expect(ACK, seq(1), bytes(1000));
  d.send(ACK, seq(1), ack(3001));
  d.app().close();
  d.expect(FIN | ACK, seq(3001));
  d.send(FIN | ACK, seq(1), ack(3002));
  d.expect(ACK, seq(3002), ack(2));
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
