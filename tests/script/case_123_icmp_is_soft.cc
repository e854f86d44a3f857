// SPDX-License-Identifier: BSD-3-Clause
// Case 123: ICMP errors do not end an established connection (RFC 5927 5.2).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, IcmpErrorsAreSoftInEstablished) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  if (d.v4()) {
    for (const std::uint8_t code : {0, 1, 2, 3, 5, 13}) d.send_icmp(3, code, 1);
    d.send_icmp(11, 0, 1);
    d.send_icmp(12, 0, 1);
    d.verdict_is(Verdict::kIcmpErrorHandled);
    d.send_icmp(4, 0, 1);  // source quench
    d.verdict_is(Verdict::kIcmpUnhandled);
  } else {
    for (const std::uint8_t code : {0, 1, 3, 4}) d.send_icmp(1, code, 1);
    d.send_icmp(3, 0, 1);
    d.verdict_is(Verdict::kIcmpErrorHandled);
  }
  d.expect_silence();
  d.state_is(State::kEstablished);
  EXPECT_FALSE(d.app().closed().has_value());
  d.send(ACK, seq(1), ack(2));
}

TEST_P(Family, IcmpErrorExplainsATimeOut) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.send_icmp(d.v4() ? 3 : 1, d.v4() ? 1 : 0, 1);  // host unreachable
  d.advance(2000s);
  (void)d.peer().take();
  EXPECT_EQ(d.app().closed(), Errc::kHostUnreachable);
}

TEST_P(Family, AnIcmpErrorIsPastWhenAnAcknowledgmentComes) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.send_icmp(d.v4() ? 3 : 1, d.v4() ? 1 : 0, 1);
  d.send(ACK, seq(1), ack(2));
  d.app().send("y");
  d.advance(2000s);
  (void)d.peer().take();
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
}

}  // namespace sluice::script
