// SPDX-License-Identifier: BSD-3-Clause
// A full table, and somebody new at the door: connections that hold their place for nothing give it up, those
// that did so longest first. Linux bounds such by tcp_max_orphans and tcp_orphan_retries, full table or not; here they
// stay while there is room.
#include <algorithm>

#include "stack/holders.h"
#include "stack/stack.h"

namespace sluice::stack {

namespace {

using tcp::Tcb;

constexpr Duration kPause = Duration::milliseconds(100);

// The peer keeps its window shut, whoever waits for that (RFC 6429); or says nothing at all, and the application
// that would wait for it has let go. FIN_WAIT_2 and TIME_WAIT end by themselves, and soon.
bool is_dispensable(const Tcb& tcb) noexcept {
  if (tcb.generation == 0 || tcb.state == State::kClosed) return false;
  if (was_probed(tcb)) return tcb.snd_wnd == 0 || is_orphan(tcb);
  const bool closing = tcb.state == State::kFinWait1 || tcb.state == State::kClosing || tcb.state == State::kLastAck;
  return closing && is_orphan(tcb) && is_silent(tcb);
}

}  // namespace

std::uint32_t Stack::take_tcb() noexcept {
  const std::uint32_t index = slabs_.tcbs.take();
  if (index == kNoIndex) [[unlikely]] ++room_wanted_;
  return index;
}

// A slice of the connections each turn. A round that found too few is not repeated at once.
void Stack::look_for_room() noexcept {
  constexpr std::uint32_t kSlice = 4096;
  // Orphans go before what an application still holds.
  const auto holds_longer = [](const Dispensable& a, const Dispensable& b) {
    return a.orphan != b.orphan ? a.orphan : a.asked.longer_than(b.asked);
  };
  if (room_next_ == 0) {
    if (env_.now < room_from_) return;
    n_dispensable_ = 0;
  }
  const std::uint32_t all = slabs_.tcbs.high_water();
  const std::uint32_t end = std::min(all, room_next_ + kSlice);
  for (; room_next_ < end; ++room_next_) {
    const Tcb& tcb = slabs_.tcbs[room_next_];
    if (!is_dispensable(tcb)) continue;
    const Dispensable one{room_next_, tcb.generation, is_orphan(tcb), asked(tcb)};
    std::size_t place = n_dispensable_;
    if (place == kDispensable) {
      if (!holds_longer(one, dispensable_[0])) continue;
      std::copy(dispensable_.begin() + 1, dispensable_.end(), dispensable_.begin());
      --place;
    } else {
      ++n_dispensable_;
    }
    for (; place != 0 && !holds_longer(one, dispensable_[place - 1]); --place) dispensable_[place] = dispensable_[place - 1];
    dispensable_[place] = one;
  }
  if (room_next_ == all) make_room();
}

// The round is over: as many go as were refused meanwhile, less those that will find a place anyway. Who was refused
// comes again: a half-open connection's SYN|ACK is sent again, a cookie's owner has something to say.
void Stack::make_room() noexcept {
  const std::uint32_t vacant = config_.max_connections - slabs_.tcbs.used();
  std::uint32_t wanted = room_wanted_ > vacant ? room_wanted_ - vacant : 0;
  room_wanted_ = 0;
  room_next_ = 0;
  if (n_dispensable_ < kDispensable) room_from_ = env_.now + kPause;
  while (wanted != 0 && n_dispensable_ != 0) {
    const Dispensable& longest = dispensable_[--n_dispensable_];
    const Tcb& tcb = slabs_.tcbs[longest.index];
    // It may have changed, or be another by now, where the round took several turns.
    if (tcb.generation != longest.generation || !is_dispensable(tcb)) continue;
    ++stack_counters_.full_table_aborts;
    --wanted;
    give_up(longest.index);
  }
}

}  // namespace sluice::stack
