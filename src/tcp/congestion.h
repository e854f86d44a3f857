// SPDX-License-Identifier: BSD-3-Clause
// Congestion control as the output side sees it: the events that every algorithm
// hears. Which algorithm a connection has is in its Params; the events are dispatched
// by a switch (no virtual calls). Algorithms alone write cwnd and ssthresh, but for
// recovery, which may hold cwnd below or above for the time it takes. Shard thread.
#pragma once

#include <cstdint>

#include "tcp/env.h"

namespace sluice::tcp {

// What an acknowledgment says, or where the path reorders a report alone.
struct AckSample {
  std::uint32_t acked = 0;   // bytes, SYN and FIN counted, that SND.UNA moved by; where reports count, delivered
  std::uint32_t flight = 0;  // outstanding before it; where reports count, in the network
  std::uint32_t by_reports = 0;  // of `acked`: what reports told of, now or before, or may have had no room for
  std::uint32_t ahead = 0;   // bytes beyond SND.UNA that have counted: where reports do
  std::uint32_t rtt_us = 0;  // measured by it; 0: nothing (Karn)
  std::uint32_t delivered = 0;  // bytes that have left the network: acknowledged or reported, and not before
  std::uint32_t lost = 0;    // bytes that count as lost since
  std::uint32_t newest_us = 0;  // with `dated`: when what was sent last of `delivered` was sent
  bool dated = false;
  bool echoed = false;       // rtt_us is of an echoed timestamp, in milliseconds
};

namespace congestion {

// ESTABLISHED. `syn_losses`: how often our SYN was sent again.
void start(Tcb& tcb, unsigned syn_losses) noexcept;
// New data is acknowledged, or where reports count reported, outside fast recovery (in the recovery after a timeout: too).
// An algorithm with a model hears of everything that is delivered.
void acked(Tcb& tcb, const AckSample& sample, Env& env) noexcept;
// Fast recovery begins, `flight` outstanding: the new ssthresh, and cwnd equal to it; recovery may take another
// way down to it (RFC 6937). False: a mark of this window had reduced it already.
bool loss(Tcb& tcb, std::uint32_t flight, Env& env) noexcept;
// Fast recovery ends.
void recovered(Tcb& tcb, Env& env) noexcept;
// The retransmission timer ran out; `first`: for the first time on this data (RFC 5681 3.1).
void timeout(Tcb& tcb, std::uint32_t flight, bool first, Env& env) noexcept;
// The last loss() or timeout() was spurious; what cwnd and ssthresh were before it, as recovery kept them.
void undo(Tcb& tcb, std::uint32_t prior_cwnd, std::uint32_t prior_ssthresh, Env& env) noexcept;
// With ECN: an acknowledgment of `acked` bytes, with an echo of a mark or without. DCTCP hears all of them, the
// others the echoes (RFC 3168 6.1.2).
void echo(Tcb& tcb, std::uint32_t acked, bool echoed, Env& env) noexcept;
// Nothing was sent for longer than an RTO (RFC 5681 4.1).
void idle(Tcb& tcb, Env& env) noexcept;

// --- state blocks, for the algorithms ---
// The connection's block, taken from the slab if it has none; null when the slab is empty (counted).
CongestionState* need_state(Tcb& tcb, Env& env) noexcept;
[[nodiscard]] inline CongestionState* state_of(const Tcb& tcb, Env& env) noexcept {
  return tcb.congestion == kNoCongestionState ? nullptr : &env.congestion[tcb.congestion];
}
void drop_state(Tcb& tcb, Env& env) noexcept;
// BBR's model: null for other algorithms, and without one.
[[nodiscard]] BbrModel* model_of(const Tcb& tcb, Env& env) noexcept;
BbrModel* need_model(Tcb& tcb, Env& env) noexcept;
// The connection's algorithm has changed.
void algorithm_changed(Tcb& tcb, Env& env) noexcept;

// RFC 6928 2
[[nodiscard]] std::uint32_t initial_window(std::uint32_t smss) noexcept;

}  // namespace congestion
}  // namespace sluice::tcp
