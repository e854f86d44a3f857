// SPDX-License-Identifier: BSD-3-Clause
// The timers of a shard: one hierarchical wheel, used by the shard's thread only.
// A timer is 8 bytes of links and a deadline inside a record; arming and cancelling
// are O(1) and allocate nothing.
//
// Level 0 has a slot for each tick of the current and the next rotation of 256 ticks;
// a slot of level l + 1 holds what is due in one later rotation of level l. It is
// spread over the lower levels ahead of time, during the rotation before its own, a
// few timers at each advance(): no call ever moves a whole slot. The wheel's own time
// does not enter a rotation whose slot is not spread yet, and not pass a tick whose
// timers have not all fired: under overload timers are late, and counted, never lost.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/tick.h"
#include "base/timer_node.h"
#include "stack/handle.h"

namespace sluice::stack {

struct TimerWheelStats {
  std::uint32_t armed;         // timers now
  std::uint32_t late_max;      // ticks between a deadline and the `now` of the advance() that fired it
  std::uint64_t fired;
  std::uint64_t moved;         // from a level to a lower one
  std::uint64_t backlogs;      // advance() calls that left something due behind
};

// What does not depend on the records: heads, occupancy, arithmetic of slots.
class TimerWheelCore {
 public:
  TimerWheelCore(const TimerWheelCore&) = delete;
  TimerWheelCore& operator=(const TimerWheelCore&) = delete;

  [[nodiscard]] static constexpr bool is_armed(const TimerNode& node) noexcept {
    return node.next != 0;
  }
  [[nodiscard]] TimerWheelStats stats() const noexcept { return stats_; }
  [[nodiscard]] std::uint32_t armed() const noexcept { return stats_.armed; }

  // A tick not later than the first deadline, for a driver that sleeps or has a virtual
  // clock: `now` when something is due; the deadline itself when its timer is on level 0;
  // else the beginning of its slot, where advance() brings it nearer. Always after `now`
  // when the last advance(now) returned false. Nothing when no timer is armed. O(levels).
  [[nodiscard]] std::optional<Tick> next_deadline(Tick now) const noexcept;

 protected:
  static constexpr unsigned kLevels = 4;      // 8 bits of a deadline each: all 32
  static constexpr unsigned kSlots = 512;     // a level: the current rotation of 256 and the next
  static constexpr std::uint32_t kDue = kLevels * kSlots;  // list: armed for a tick that the wheel has reached
  static constexpr std::uint32_t kFiring = kDue + 1;       // list: taken from their slot, about to fire
  static constexpr std::uint32_t kHeads = kFiring + 1;
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  explicit TimerWheelCore(Tick start) noexcept;
  ~TimerWheelCore() = default;

  // What a TimerNode holds: the complement of a neighbour's handle, or, with the top two
  // bits clear as no handle has them, 1 + the number of the list whose head it is. So a
  // list ends in the name of its slot, and 0 is in no list.
  [[nodiscard]] static constexpr bool is_head(std::uint32_t ref) noexcept { return ref <= Handle::kMaxIndex; }
  [[nodiscard]] static constexpr std::uint32_t ref_of_head(std::uint32_t list) noexcept { return list + 1; }
  [[nodiscard]] static constexpr std::uint32_t list_of_head(std::uint32_t ref) noexcept { return ref - 1; }
  [[nodiscard]] static constexpr std::uint32_t ref_of(Handle handle) noexcept { return ~handle.value; }
  [[nodiscard]] static constexpr Handle handle_of(std::uint32_t ref) noexcept { return Handle{~ref}; }
  [[nodiscard]] bool empty(std::uint32_t list) const noexcept { return is_head(heads_[list].next); }

  // The list for a timer that is due at `deadline`.
  [[nodiscard]] std::uint32_t list_of(Tick deadline) const noexcept {
    const auto ahead = static_cast<std::int32_t>(deadline.value - now_.value);
    const std::uint32_t behind = now_.value - time_.value;  // how far the wheel is behind the caller
    if (ahead <= 0 && 0 - static_cast<std::uint32_t>(ahead) >= behind) return kDue;
    for (unsigned level = 0; level + 1 < kLevels; ++level) {
      // In the current rotation of the level, or in the next one.
      const std::uint32_t rotation = std::uint32_t{1} << (8 * (level + 1));
      if (deadline.value - (time_.value & ~(rotation - 1)) < 2 * rotation) return slot_of(level, deadline.value);
    }
    return slot_of(kLevels - 1, deadline.value);
  }
  [[nodiscard]] static constexpr std::uint32_t slot_of(unsigned level, std::uint32_t tick) noexcept {
    return level * kSlots + ((tick >> (8 * level)) & (kSlots - 1));
  }
  void mark(std::uint32_t list) noexcept { occupied_[list / 64] |= std::uint64_t{1} << (list % 64); }
  void unmark(std::uint32_t list) noexcept { occupied_[list / 64] &= ~(std::uint64_t{1} << (list % 64)); }

  // Ticks from the wheel's time to the beginning of the next occupied slot of a level; kNever if none.
  [[nodiscard]] std::uint32_t ticks_to_slot(unsigned level) const noexcept;
  // The lowest upper level whose next slot has timers to spread; 0 if none.
  [[nodiscard]] unsigned level_to_spread() const noexcept;
  [[nodiscard]] std::uint32_t next_slot(unsigned level) const noexcept {
    return slot_of(level, time_.value + (std::uint32_t{1} << (8 * level)));
  }

  Tick time_;  // every timer due before or at it has fired, or is in kDue or kFiring
  Tick now_;   // of the last advance()
  TimerWheelStats stats_{};
  std::array<std::uint64_t, kHeads / 64 + 1> occupied_{};  // a bit a list
  std::array<TimerNode, kHeads> heads_;
};

// Records, copied into the wheel, reaches the shard's slabs:
//   TimerNode& node(Handle) const
//   Tick& deadline(Handle) const    written by arm(), Tick{0} once fired or cancelled;
//                                   nobody else writes it while the timer is armed
//   void prefetch(Handle) const     asks for what the two and the firing will touch
template <typename Records>
class TimerWheel : public TimerWheelCore {
 public:
  TimerWheel(Records records, Tick start) noexcept : TimerWheelCore(start), records_(std::move(records)) {}

  // Arms, or moves, the record's timer. A deadline lies less than 2^31 ticks from the
  // last advance(); one that has passed fires at the next advance(). Tick{0} counts as 1.
  void arm(Handle handle, Tick deadline) noexcept { arm(handle, records_.node(handle), records_.deadline(handle), deadline); }
  // The same for a caller who has the record in hand: its node and its deadline, which need not be looked for.
  void arm(Handle handle, TimerNode& node, Tick& due, Tick deadline) noexcept {
    DCHECK(handle.valid() && &node == &records_.node(handle) && &due == &records_.deadline(handle));
    if (is_armed(node)) {
      unlink(node);
    } else {
      ++stats_.armed;
    }
    if (!deadline.armed()) deadline.value = 1;
    due = deadline;
    link(handle, node, list_of(deadline));
  }

  // Nothing happens when it is not armed.
  void cancel(Handle handle) noexcept { cancel(records_.node(handle), records_.deadline(handle)); }
  void cancel(TimerNode& node, Tick& due) noexcept {
    if (!is_armed(node)) return;
    unlink(node);
    node = TimerNode{};
    due = Tick{};
    --stats_.armed;
  }

  using TimerWheelCore::is_armed;
  [[nodiscard]] bool is_armed(Handle handle) const noexcept { return is_armed(records_.node(handle)); }

  // Fires what is due at `now`, at most `budget` timers, by fire(Handle), each disarmed
  // first; moves at most twice as many between levels, since a timer far ahead moves
  // about twice before it fires. With budget 0 there is no limit. True when something
  // due is left: call again. `fire` may arm and cancel any timer, its own too, and may
  // release the record; what it arms for a tick that has been reached waits for the next call.
  // Earlier ticks fire first; within a tick the order is the same in every run, but not that of arming.
  // `now` does not go back, and is less than 2^30 ticks after the time to which the wheel has come.
  template <typename Fire>
  bool advance(Tick now, std::uint32_t budget, Fire&& fire) noexcept;

 private:
  [[nodiscard]] TimerNode& at(std::uint32_t ref) noexcept {
    return is_head(ref) ? heads_[list_of_head(ref)] : records_.node(handle_of(ref));
  }
  void link(Handle handle, TimerNode& node, std::uint32_t list) noexcept {
    TimerNode& head = heads_[list];
    node.next = ref_of_head(list);
    node.prev = head.prev;
    at(head.prev).next = ref_of(handle);
    head.prev = ref_of(handle);
    mark(list);
  }
  void unlink(const TimerNode& node) noexcept {
    at(node.prev).next = node.next;
    at(node.next).prev = node.prev;
    if (node.prev == node.next) unmark(list_of_head(node.next));  // both are the head
  }
  void splice_to_firing(std::uint32_t list) noexcept;
  bool spread(unsigned level, std::uint64_t& moves) noexcept;
  template <typename Fire>
  bool fire_some(std::uint64_t& fires, Fire& fire) noexcept;
  template <typename Fire>
  void run_to_now(std::uint64_t& fires, std::uint64_t& moves, Fire& fire) noexcept;

  Records records_;
};

// Appends the whole list to the firing one, in O(1).
template <typename Records>
void TimerWheel<Records>::splice_to_firing(std::uint32_t list) noexcept {
  if (empty(list)) return;
  TimerNode& from = heads_[list];
  TimerNode& to = heads_[kFiring];
  at(to.prev).next = from.next;
  at(from.next).prev = to.prev;
  at(from.prev).next = ref_of_head(kFiring);
  to.prev = from.prev;
  from = {ref_of_head(list), ref_of_head(list)};
  unmark(list);
  mark(kFiring);
}

// Moves timers of the next slot of `level` to lower levels; false when `moves` ran out first.
template <typename Records>
bool TimerWheel<Records>::spread(unsigned level, std::uint64_t& moves) noexcept {
  const std::uint32_t list = next_slot(level);
  while (!empty(list)) {
    if (moves == 0) return false;
    --moves;
    // From both ends by turns: two chains of cache misses overlap where one would wait.
    const bool front = (moves & 1) != 0;
    const Handle handle = handle_of(front ? heads_[list].next : heads_[list].prev);
    TimerNode& node = records_.node(handle);
    const std::uint32_t following = front ? node.next : node.prev;
    if (!is_head(following)) records_.prefetch(handle_of(following));
    const std::uint32_t to = list_of(records_.deadline(handle));
    DCHECK(to < level * kSlots || to == kDue);
    unlink(node);
    link(handle, node, to);
    ++stats_.moved;
  }
  return true;
}

// False when `fires` ran out before the firing list.
template <typename Records>
template <typename Fire>
bool TimerWheel<Records>::fire_some(std::uint64_t& fires, Fire& fire) noexcept {
  while (!empty(kFiring)) {
    if (fires == 0) return false;
    --fires;
    const Handle handle = handle_of(heads_[kFiring].next);
    TimerNode& node = records_.node(handle);
    if (!is_head(node.next)) records_.prefetch(handle_of(node.next));
    unlink(node);
    node = TimerNode{};
    Tick& deadline = records_.deadline(handle);
    DCHECK(!now_.before(deadline));
    stats_.late_max = std::max(stats_.late_max, now_.value - deadline.value);
    deadline = Tick{};
    --stats_.armed;
    ++stats_.fired;
    fire(handle);
  }
  return true;
}

// Brings the wheel's time to now_, as far as the budgets go.
template <typename Records>
template <typename Fire>
void TimerWheel<Records>::run_to_now(std::uint64_t& fires, std::uint64_t& moves, Fire& fire) noexcept {
  while (fire_some(fires, fire) && time_ != now_) {
    std::uint32_t step = std::min(now_.value - time_.value, ticks_to_slot(0));
    for (unsigned level = 1; level < kLevels; ++level) step = std::min(step, ticks_to_slot(level) - 1);
    if (step == 0) {  // the next tick begins a rotation whose slot is not spread yet
      if (!spread(level_to_spread(), moves)) return;
      continue;
    }
    time_.value += step;
    splice_to_firing(slot_of(0, time_.value));
  }
}

template <typename Records>
template <typename Fire>
bool TimerWheel<Records>::advance(Tick now, std::uint32_t budget, Fire&& fire) noexcept {
  DCHECK(!now.before(now_));
  now_ = now;
  if (stats_.armed == 0) {
    time_ = now;
    return false;
  }
  std::uint64_t fires = budget == 0 ? kUnlimited : budget;
  std::uint64_t moves = budget == 0 ? kUnlimited : 2 * std::uint64_t{budget};
  splice_to_firing(kDue);
  run_to_now(fires, moves, fire);
  for (unsigned level = level_to_spread(); level != 0 && spread(level, moves);) level = level_to_spread();
  const bool backlog = time_ != now_ || !empty(kFiring) || !empty(kDue);
  if (backlog) ++stats_.backlogs;
  return backlog;
}

}  // namespace sluice::stack
