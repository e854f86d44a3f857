// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.7.4: small text waits for the ACK of what is out, unless the application says otherwise.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, SmallTextWaitsForTheAck) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send("a");
  d.expect(ACK, seq(1), data("a"), push());
  d.app().send("b");
  d.app().send("c");
  d.expect_silence();
  d.send(ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), data("bc"));
}

TEST_P(Family, EndOfALongWriteDoesNotWait) {
  Dialogue d(GetParam());
  d.establish();
  d.app().send_bytes(1500);
  d.expect(ACK, seq(1), bytes(1000));
  d.expect(ACK, seq(1001), bytes(500), push());
  d.app().send_bytes(1200);
  d.expect(ACK, seq(1501), bytes(1000));
  d.expect_silence();  // one segment that was not full is out
  d.send(ACK, seq(1), ack(1501));
  // The short one is acknowledged, the full one behind it is not. What is remembered is that a short one was among
  // those that are out, not which: the rest waits until all of them are acknowledged.
  d.expect_silence();
  d.send(ACK, seq(1), ack(2501));
  d.expect(ACK, seq(2501), bytes(200));
}

TEST_P(Family, NodelaySendsAtOnce) {
  Scene scene;
  scene.options.nodelay = true;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().send("a");
  d.expect(ACK, seq(1), data("a"));
  d.app().send("b");
  d.expect(ACK, seq(2), data("b"));
}

TEST_P(Family, CorkSendsFullSegmentsOnly) {
  Scene scene;
  scene.options.cork = true;
  Dialogue d(GetParam(), scene);
  d.establish();
  d.app().send_bytes(1500);
  d.expect(ACK, seq(1), bytes(1000));
  d.expect_silence();
  (void)d.app().set(Option::kCork, 0);
  d.send(ACK, seq(1), ack(1001));
  d.expect(ACK, seq(1001), bytes(500));
}

}  // namespace sluice::script
