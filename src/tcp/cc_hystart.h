// SPDX-License-Identifier: BSD-3-Clause
// HyStart++ (RFC 9406): the initial slow start ends when the round-trip time says that
// a queue is building, not when that queue overflows; or when a train of acknowledgments
// fills the path. Pure functions of a connection and values.
#pragma once

#include "tcp/congestion.h"

namespace sluice::tcp::hystart {

// The window is in use, cwnd below an ssthresh that no event has set yet. Grows cwnd; sets ssthresh when the
// time has come for congestion avoidance.
void acked(Tcb& tcb, HyStart& hystart, const AckSample& sample, std::uint32_t now_us) noexcept;

}  // namespace sluice::tcp::hystart
