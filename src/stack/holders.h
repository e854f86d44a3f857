// SPDX-License-Identifier: BSD-3-Clause
// Connections that hold buffers (pressure.cc) or a place of the table (room.cc) for nothing: when that begins to be
// said of one, and who did so longer.
#pragma once

#include "tcp/tcb.h"

namespace sluice::stack {

// Probed twice: once is what a peer with a busy application does, too.
[[nodiscard]] inline bool was_probed(const tcp::Tcb& tcb) noexcept { return (tcb.flags & tcp::kPersist) != 0 && tcb.backoff >= 2; }
// R1 of RFC 9293 3.8.3, where silence begins to mean something.
[[nodiscard]] inline bool is_silent(const tcp::Tcb& tcb) noexcept { return (tcb.flags & tcp::kPersist) == 0 && tcb.backoff >= 3; }
// The application has let go of it.
[[nodiscard]] inline bool is_orphan(const tcp::Tcb& tcb) noexcept { return (tcb.flags & tcp::kAppClosed) != 0; }

// How long shows in how often the peer was asked, for the pauses double. Among equals the one that asks next has waited
// longest.
struct Asked {
  std::uint8_t backoff = 0;
  Tick next;

  [[nodiscard]] bool longer_than(const Asked& other) const noexcept {
    return backoff != other.backoff ? backoff > other.backoff : next.before(other.next);
  }
};
[[nodiscard]] inline Asked asked(const tcp::Tcb& tcb) noexcept { return {tcb.backoff, tcb.t_rexmt}; }

}  // namespace sluice::stack
