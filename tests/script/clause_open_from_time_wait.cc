// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.6.1, RFC 6191: an open of our own where a TIME_WAIT record of ours has the four-tuple.
#include "script/dialogue.h"

namespace sluice::script {

namespace {

Scene client_scene() {
  Scene scene;
  scene.listen = false;
  return scene;
}

// We opened, and we closed first. The peer's clock stands at `ts`, if it has one.
void close_our_own(Dialogue& d, bool with_timestamps) {
  d.connect();
  d.expect(SYN, seq(0));
  if (with_timestamps) {
    d.send(SYN | ACK, seq(0), ack(1), mss(1000), timestamps());
  } else {
    d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  }
  d.expect(ACK, seq(1), ack(1));
  d.app().send_bytes(500);
  d.expect(ACK, seq(1), bytes(500));
  d.app().close();
  d.expect(FIN | ACK, seq(501), ack(1));
  d.send(FIN | ACK, seq(1), ack(502));
  d.expect(ACK, seq(502), ack(2));
  ASSERT_EQ(d.stack().slabs().time_waits.used(), 1U);
}

Result<Connection> open_again(Dialogue& d, std::uint16_t port) {
  return d.host().connect(d.service(), {d.peer_address(), d.peer().remote().port}, {d.our_address(), port}, {});
}

}  // namespace

TEST_P(Family, OurTimeWaitGivesWayToAnOpenOfOurs) {
  Dialogue d(GetParam(), client_scene());
  close_our_own(d, true);
  const std::uint32_t old_nxt = d.peer().iss() + 502;
  const std::uint32_t old_ts = d.peer().last().tsval.value();
  d.advance(999ms);
  d.expect_silence();
  EXPECT_EQ(open_again(d, d.peer().local().port).error().code, Errc::kAddressInUse) << "not yet a second old";
  d.advance(2ms);
  d.peer().forget(d.peer().isn() + 1000);
  d.connect();
  d.expect(SYN, seq(0));
  EXPECT_LT(d.peer().iss() - old_nxt - 1, 0x7fffffffU) << "above all that the old connection sent";
  EXPECT_GT(d.peer().last().tsval.value() - old_ts, 1000U);
  EXPECT_EQ(d.stack().slabs().time_waits.used(), 0U);
  EXPECT_EQ(d.counter("time_wait_reopened"), 1U);
  d.send(SYN | ACK, seq(0), ack(1), mss(1000), timestamps());
  d.expect(ACK, seq(1), ack(1));
  d.state_is(State::kEstablished);
  d.advance(121s);  // the old record's end is nobody's any more
  d.state_is(State::kEstablished);
}

TEST_P(Family, OurTimeWaitStaysWithoutTimestamps) {
  Dialogue d(GetParam(), client_scene());
  close_our_own(d, false);
  d.advance(119s);
  EXPECT_EQ(open_again(d, d.peer().local().port).error().code, Errc::kAddressInUse);
  EXPECT_EQ(d.stack().slabs().time_waits.used(), 1U);
  d.advance(2s);
  d.peer().forget(d.peer().isn() + 1000);
  d.connect();
  d.expect(SYN, seq(0));
  EXPECT_EQ(d.counter("time_wait_reopened"), 0U);
}

// The application holds the connection still: what it is owed does not depend on that.
TEST_P(Family, AHeldTimeWaitGivesNoWayWhereNobodyListens) {
  Dialogue d(GetParam(), client_scene());
  d.connect();
  d.expect(SYN, seq(0));
  d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  d.expect(ACK, seq(1), ack(1));
  d.app().shutdown_write();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
  d.state_is(State::kTimeWait);
  d.send(SYN, seq(5000), mss(1000));
  d.verdict_is(Verdict::kTimeWaitIgnored);
  d.expect_silence();
  d.state_is(State::kTimeWait);
  EXPECT_FALSE(d.app().closed().has_value());
}

}  // namespace sluice::script
