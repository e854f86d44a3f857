// SPDX-License-Identifier: BSD-3-Clause
// Case 81: data is given up after more than 100 s, a SYN after more than 3 min (RFC 9293 3.8.3); an ACK
// resets the back-off.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, DataIsGivenUpAfterR2) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.advance(100s);
  d.state_is(State::kEstablished);
  d.advance(1800s);
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
  const auto all = d.peer().take();
  EXPECT_LE(all.size(), 17U);
  EXPECT_GE(all.size(), 9U);
}

TEST_P(Family, SynIsGivenUpAfterThreeMinutes) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.advance(180s);
  d.state_is(State::kSynSent);
  d.advance(200s);
  d.state_is(State::kClosed);
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
  for (const Heard& h : d.peer().take()) EXPECT_EQ(h.flags, SYN);
}

TEST_P(Family, AckResetsTheBackOff) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("x");
  d.expect(ACK, seq(1), data("x"));
  d.advance(1500ms);
  d.expect(ACK, seq(1), data("x"), after(200ms));
  d.expect(ACK, seq(1), data("x"), after(600ms));
  d.expect(ACK, seq(1), data("x"), after(1400ms));
  d.send(ACK, seq(1), ack(2));
  d.app().send("y");
  d.expect(ACK, seq(2), data("y"));
  d.advance(300ms);
  d.expect(ACK, seq(2), data("y"), after(200ms));
}

TEST_P(Family, UserTimeoutEndsItEarlier) {
  Scene scene;
  scene.options.user_timeout_ms = 5000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().send("x");
  d.advance(4900ms);
  d.state_is(State::kEstablished);
  d.advance(200ms);
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
  (void)d.peer().take();
}

}  // namespace sluice::script
