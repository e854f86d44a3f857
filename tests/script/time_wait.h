// SPDX-License-Identifier: BSD-3-Clause
// Connections brought to TIME_WAIT.
#pragma once

#include "script/dialogue.h"

namespace sluice::script {

// Our side closes first, and the peer's FIN acknowledges ours.
inline void enter_time_wait(Dialogue& d) {
  d.establish();
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2));
  d.expect(ACK, seq(2), ack(2));
}

// The same with timestamps, TS.Recent known.
inline void close_with_timestamp(Dialogue& d, std::uint32_t ts) {
  d.establish(timestamps(), tsval(ts));
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2), tsval(ts));
  d.expect(ACK, seq(2), ack(2), tsecr(ts));
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
