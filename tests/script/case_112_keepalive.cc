// SPDX-License-Identifier: BSD-3-Clause
// Case 112: our keepalive: after 2 h, ten probes 75 s apart, then a RST; off unless asked for; activity
// restarts it.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, KeepaliveIsOffByDefault) {
  Dialogue d(GetParam());
  d.establish();
  for (int day = 0; day < 10; ++day) d.advance(24h);
  d.expect_silence();
  d.state_is(State::kEstablished);
}

TEST_P(Family, UnansweredProbesAbort) {
  Scene scene;
  scene.options.keepalive.enabled = true;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.advance(7200s + 10 * 75s);
  for (int i = 0; i < 10; ++i) d.expect(ACK, seq(0), ack(1), after(7200s + i * 75s));
  d.expect(RST | ACK, seq(1), ack(1), after(7950s));
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
}

// Linux: TCP_USER_TIMEOUT overrides keepalive's count.
TEST_P(Family, UserTimeoutEndsKeepaliveEarlier) {
  Scene scene;
  scene.options.keepalive.enabled = true;
  scene.options.user_timeout_ms = 7'300'000;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.advance(7200s + 2 * 75s);
  for (int i = 0; i < 2; ++i) d.expect(ACK, seq(0), ack(1), after(7200s + i * 75s));
  d.expect(RST | ACK, seq(1), ack(1), after(7350s));
  EXPECT_EQ(d.app().closed(), Errc::kTimedOut);
}

TEST_P(Family, AnsweredProbesAndActivityRestartTheTimer) {
  Scene scene;
  scene.options.keepalive.enabled = true;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.advance(7000s);
  d.send(ACK, seq(1), ack(1), data("x"));
  d.expect(ACK, ack(2));
  d.advance(7200s);
  d.expect(ACK, seq(0), ack(2), after(7200s));
  d.send(ACK, seq(2), ack(1));
  d.advance(7199s);
  d.expect_silence();
  d.advance(1s);
  d.expect(ACK, seq(0), ack(2));
}

// Nor do the options of keepalive change when it is told.
TEST_P(Family, KeepaliveOptionsLeaveTheIdleTimeoutAlone) {
  Scene scene;
  scene.options.idle_timeout_s = 60;
  Dialogue d(GetParam(), scene);
  d.establish();
  EXPECT_TRUE(d.app().set(Option::kKeepidleS, 1).ok());
  EXPECT_TRUE(d.app().set(Option::kKeepalive, 0).ok());
  d.advance(59s);
  d.expect_silence();
  d.advance(1s);
  d.expect(FIN | ACK, seq(1), ack(1));
}

// Here it is the application that is told, and closes; silence counts, not what we send.
TEST_P(Family, IdleTimeoutTellsTheApplication) {
  Scene scene;
  scene.options.idle_timeout_s = 60;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.advance(59s);
  d.send(ACK, seq(1), ack(1), data("x"));
  d.expect(ACK, ack(2));
  d.app().send("answer");
  d.expect(ACK, seq(1), data("answer"), push());
  d.send(ACK, seq(2), ack(7));
  d.advance(59s);
  d.expect_silence();
  d.advance(1s);
  d.expect(FIN | ACK, seq(7), ack(2));
}

}  // namespace sluice::script
