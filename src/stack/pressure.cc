// SPDX-License-Identifier: BSD-3-Clause
// Memory pressure: buffers are scarce or ran out, and some of them may be held by peers that keep
// their window shut and answer our probes for ever (RFC 6429), or that say nothing at all. Otherwise such
// connections are given up for a newcomer in a full table only (room.cc), and silent ones in their time.
#include "stack/holders.h"
#include "stack/stack.h"

namespace sluice::stack {

namespace {

// Buffers are what it holds, and for nothing.
bool holds_in_vain(const tcp::Tcb& tcb) noexcept {
  if (tcb.generation == 0 || tcb.state == State::kClosed || tcb.state == State::kSynSent) return false;
  return tcb.snd_queued != 0 && (is_silent(tcb) || (was_probed(tcb) && tcb.snd_wnd == 0));
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
    if (pressure_worst_ == kNoIndex || asked(tcb).longer_than(asked(slabs_.tcbs[pressure_worst_]))) pressure_worst_ = pressure_next_;
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
  const bool told = is_orphan(tcb);
  tcp::abort(tcb, Errc::kNoMemory, env_);
  if (!told) {
    tcb.flags &= ~tcp::kAppClosed;  // the application has not let go, and hears of it
    env_.events = tcp::kEventClosed;
  }
  tcp::release(tcb, env_);  // first, so that there is a buffer for the RST
  settle(Handle::make(Kind::kTcb, index), tcb);
}

}  // namespace sluice::stack
