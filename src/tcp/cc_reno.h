// SPDX-License-Identifier: BSD-3-Clause
// Congestion control behind the events that every algorithm hears: the output side
// calls these and never writes cwnd or ssthresh of its own accord. Reno as RFC 5681
// has it, with byte counting (RFC 3465), the initial window of RFC 6928, and
// validation of a window that was not used (RFC 2861's idea). Pure functions of
// a connection and values.
#pragma once

#include <cstdint>

#include "tcp/tcb.h"

namespace sluice::tcp::reno {

// RFC 6928 2
[[nodiscard]] std::uint32_t initial_window(std::uint32_t smss) noexcept;

// ESTABLISHED. `syn_losses`: how often our SYN was sent again.
void start(Tcb& tcb, unsigned syn_losses) noexcept;
// `acked` bytes are acknowledged outside fast recovery; `flight` were outstanding before.
void acked(Tcb& tcb, std::uint32_t acked, std::uint32_t flight) noexcept;
// Fast recovery begins, `flight` outstanding: ssthresh and cwnd of RFC 5681 3.2 step 2, without inflation.
void loss(Tcb& tcb, std::uint32_t flight) noexcept;
// Fast recovery ends, `flight` outstanding: RFC 6582 3.2 step 3, full acknowledgment.
void recovered(Tcb& tcb, std::uint32_t flight) noexcept;
// NewReno's inflation by a duplicate ACK, and its deflation by a partial one.
void inflate(Tcb& tcb, std::uint32_t bytes) noexcept;
void deflate(Tcb& tcb, std::uint32_t acked) noexcept;
// The retransmission timer ran out; `first`: for the first time on this data (RFC 5681 3.1).
void timeout(Tcb& tcb, std::uint32_t flight, bool first) noexcept;
// Nothing was sent for longer than an RTO (RFC 5681 4.1).
void idle(Tcb& tcb) noexcept;

}  // namespace sluice::tcp::reno
