// SPDX-License-Identifier: BSD-3-Clause
#include "script/reach.h"

namespace sluice::script {

std::uint32_t next_seq(State state) {
  const bool fin_sent = state == State::kCloseWait || state == State::kClosing || state == State::kLastAck ||
                        state == State::kTimeWait;
  return fin_sent ? 2 : 1;
}

std::unique_ptr<Dialogue> reach(Ip ip, State state, bool actively, Scene scene) {
  const bool handshake_only = state == State::kSynSent || state == State::kSynRcvd;
  scene.listen = state != State::kSynSent && !actively;
  auto dialogue = std::make_unique<Dialogue>(ip, scene);
  Dialogue& d = *dialogue;
  if (!scene.listen) {
    d.connect();
    d.expect(SYN, seq(0));
    if (state == State::kSynRcvd) d.send(SYN, seq(0), mss(1000));
    if (!handshake_only) d.send(SYN | ACK, seq(0), ack(1), mss(1000));
  } else {
    d.send(SYN, seq(0), mss(1000));
  }
  if (state == State::kSynRcvd || scene.listen) d.expect(SYN | ACK, seq(0), ack(1));
  if (!handshake_only && !scene.listen) d.expect(ACK, seq(1), ack(1));
  if (!handshake_only && scene.listen) d.send(ACK, seq(1), ack(1));

  if (state == State::kCloseWait || state == State::kLastAck) {
    d.send(FIN | ACK, seq(1), ack(1));
    d.expect(ACK, seq(1), ack(2));
  }
  const bool closes = state == State::kFinWait1 || state == State::kFinWait2 || state == State::kClosing ||
                      state == State::kLastAck || state == State::kTimeWait;
  if (closes) {
    d.app().shutdown_write();
    d.expect(FIN | ACK, seq(1));
  }
  if (state == State::kClosing) {
    d.send(FIN | ACK, seq(1), ack(1));
    d.expect(ACK, seq(2), ack(2));
  }
  if (state == State::kFinWait2 || state == State::kTimeWait) d.send(ACK, seq(1), ack(2));
  if (state == State::kTimeWait) {
    d.send(FIN | ACK, seq(1), ack(2));
    d.expect(ACK, seq(2), ack(2));
  }
  d.state_is(state);
  d.expect_silence();
  return dialogue;
}

}  // namespace sluice::script
