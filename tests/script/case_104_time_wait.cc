// SPDX-License-Identifier: BSD-3-Clause
// Case 104: in TIME_WAIT the FIN again gets an ACK and starts 2 MSL anew, an ACK in order nothing, text an
// ACK.
#include "script/time_wait.h"

namespace sluice::script {

TEST_P(Family, TimeWaitAnswersFinAndText) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  d.advance(100s);
  d.send(FIN | ACK, seq(1), ack(2));
  d.verdict_is(Verdict::kTimeWaitFin);
  d.expect(ACK, seq(2), ack(2));
  d.advance(119s);
  d.state_is(State::kTimeWait);
  d.send(ACK, seq(2), ack(2));
  d.verdict_is(Verdict::kTimeWaitIgnored);
  d.expect_silence();
  d.send(ACK, seq(2), ack(2), data("late"));
  d.verdict_is(Verdict::kTimeWaitAck);
  d.expect(ACK, seq(2), ack(2));
  d.advance(1s);
  d.state_is(State::kListen);  // neither of the two starts 2 MSL anew
}

TEST_P(Family, TimeWaitWithItsApplicationAnswersTheSame) {
  Dialogue d(GetParam());
  d.establish();
  d.app().shutdown_write();  // the handle is still held
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  d.advance(100s);
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  d.send(ACK, seq(2), ack(2));
  d.expect_silence();
  d.advance(119s);
  d.state_is(State::kTimeWait);
  d.advance(1s);
  d.state_is(State::kListen);
  EXPECT_EQ(d.app().closed(), Errc::kOk);
}

TEST_P(Family, AnswersOfTimeWaitAreLimited) {
  Dialogue d(GetParam());
  enter_time_wait(d);
  for (int i = 0; i < 12'000; ++i) d.send(ACK, seq(2), ack(2), data("x"));
  const std::size_t answers = d.peer().take().size();
  EXPECT_LE(answers, 10'000U);
  EXPECT_GE(answers, 7'000U);
  d.advance(100ms);
  d.send(ACK, seq(2), ack(2), data("x"));
  d.expect(ACK, seq(2), ack(2));
}

}  // namespace sluice::script
