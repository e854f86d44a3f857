// SPDX-License-Identifier: BSD-3-Clause
// Memory pressure: buffers are scarce or ran out, and some of them may be held by peers that keep
// their window shut and answer our probes for ever (RFC 6429), or that say nothing at all. Otherwise such
// connections are given up for a newcomer in a full table only (room.cc), and silent ones in their time.
#include "stack/stack.h"

namespace sluice::stack {

namespace {

// How long a window has been shut shows in how often it was probed: the pauses double. Among equals the
// one whose next probe comes first has waited longest.
bool held_longer(const tcp::Tcb& a, const tcp::Tcb& b) noexcept {
  if (a.backoff != b.backoff) return a.backoff > b.backoff;
  return a.t_rexmt.before(b.t_rexmt);
}

// Once is what a peer with a busy application does, too; and R1 of RFC 9293 3.8.3, where silence begins to mean something.
constexpr std::uint8_t kProbesMin = 2;
constexpr std::uint8_t kRetriesMin = 3;

bool keeps_shut(const tcp::Tcb& tcb) noexcept {
  return (tcb.flags & tcp::kPersist) != 0 && tcb.snd_wnd == 0 && tcb.backoff >= kProbesMin;
}
bool is_silent(const tcp::Tcb& tcb) noexcept { return (tcb.flags & tcp::kPersist) == 0 && tcb.backoff >= kRetriesMin; }

// Buffers are what it holds, and for nothing.
bool holds_in_vain(const tcp::Tcb& tcb) noexcept {
  if (tcb.generation == 0 || tcb.state == State::kClosed || tcb.state == State::kSynSent) return false;
  return tcb.snd_queued != 0 && (keeps_shut(tcb) || is_silent(tcb));
}

}  // namespace

// A slice of the connections each turn; at the end of a round the one that held its buffers in vain for longest is
// reset. Whether more have to go the next failure to find a buffer decides.
void Stack::relieve_pressure() noexcept {
  constexpr std::uint32_t kSlice = 4096;
  const std::uint32_t all = slabs_.tcbs.high_water();
  const std::uint32_t end = std::min(all, pressure_next_ + kSlice);
  for (; pressure_next_ < end; ++pressure_next_) {
    const tcp::Tcb& tcb = slabs_.tcbs[pressure_next_];
    if (!holds_in_vain(tcb)) continue;
    if (pressure_worst_ == kNoIndex || held_longer(tcb, slabs_.tcbs[pressure_worst_])) pressure_worst_ = pressure_next_;
  }
  if (pressure_next_ < all) return;
  const std::uint32_t worst = pressure_worst_;
  pressure_next_ = 0;
  pressure_worst_ = kNoIndex;
  pressure_seen_ = bufs_.exhausted() + bufs_.refused();
  if (worst == kNoIndex) return;
  const tcp::Tcb& tcb = slabs_.tcbs[worst];
  // It may have changed, or be another by now, where the round took several turns.
  if (!holds_in_vain(tcb)) return;
  ++(is_silent(tcb) ? stack_counters_.silent_aborts : stack_counters_.zero_window_aborts);
  give_up(worst);
}

void Stack::give_up(std::uint32_t index) noexcept {
  tcp::Tcb& tcb = slabs_.tcbs[index];
  const bool told = (tcb.flags & tcp::kAppClosed) != 0;
  tcp::abort(tcb, Errc::kNoMemory, env_);
  if (!told) {
    tcb.flags &= ~tcp::kAppClosed;  // the application has not let go, and hears of it
    env_.events = tcp::kEventClosed;
  }
  tcp::release(tcb, env_);  // first, so that there is a buffer for the RST
  settle(Handle::make(Kind::kTcb, index), tcb);
}

}  // namespace sluice::stack
