// SPDX-License-Identifier: BSD-3-Clause
// Case 30: however much a peer would take, the MTU bounds a segment.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, HugeMssIsBoundedByTheMtu) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(65535));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(2 * d.our_mss());
  d.expect(ACK, seq(1), bytes(d.our_mss()));
  d.expect(ACK, seq(1 + d.our_mss()), bytes(d.our_mss()));
}

TEST_P(Family, TimestampsLeaveLessRoomForText) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(65535), timestamps());
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(2 * d.our_mss());
  d.expect(ACK, seq(1), bytes(d.our_mss() - 12));
  d.expect(ACK, bytes(d.our_mss() - 12));
  d.expect(ACK, bytes(24));
}

TEST_P(Family, TheMssOptionOfTheListenerIsAnnounced) {
  Scene scene;
  scene.options.mss = 800;
  Dialogue d(GetParam(), scene);
  d.send(SYN, seq(0), mss(1000));
  d.expect(SYN | ACK, seq(0), ack(1), mss(800));
  d.send(ACK, seq(1), ack(1));
  d.app().send_bytes(800);
  d.expect(ACK, seq(1), bytes(800));
}

}  // namespace sluice::script
