// SPDX-License-Identifier: BSD-3-Clause
// Brings a connection into any state of RFC 9293 figure 5, by segments and calls alone.
#pragma once

#include <memory>

#include "script/dialogue.h"

namespace sluice::script {

// All but CLOSED and LISTEN, which need no connection.
inline constexpr State kReachable[] = {
    State::kSynSent,   State::kSynRcvd, State::kEstablished, State::kFinWait1, State::kFinWait2,
    State::kCloseWait, State::kClosing, State::kLastAck,     State::kTimeWait,
};

// SYN_RCVD from LISTEN; SYN_SENT and, with `actively`, SYN_RCVD by an active open. The application still
// holds the connection (it has half-closed where that leads on), and everything said was heard: what the
// peer sends next is at seq(1), or seq(2) where it has sent its FIN.
[[nodiscard]] std::unique_ptr<Dialogue> reach(Ip ip, State state, bool actively = false, Scene scene = {});
// What the peer's next sequence number is there.
[[nodiscard]] std::uint32_t next_seq(State state);

}  // namespace sluice::script
