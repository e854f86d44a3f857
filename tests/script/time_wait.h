// SPDX-License-Identifier: BSD-3-Clause
// A connection with timestamps brought to TIME_WAIT, its TS.Recent known.
#pragma once

#include "script/dialogue.h"

namespace sluice::script {

inline void close_with_timestamp(Dialogue& d, std::uint32_t ts) {
  d.establish(timestamps(), tsval(ts));
  d.app().close();
  d.expect(FIN | ACK, seq(1), ack(1));
  d.send(FIN | ACK, seq(1), ack(2), tsval(ts));
  d.expect(ACK, seq(2), ack(2), tsecr(ts));
  d.state_is(State::kTimeWait);
}

}  // namespace sluice::script
