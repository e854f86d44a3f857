// SPDX-License-Identifier: BSD-3-Clause
#include "stack/timer_wheel.h"

#include <bit>

namespace sluice::stack {

TimerWheelCore::TimerWheelCore(Tick start) noexcept : time_(start), now_(start) {
  for (std::uint32_t list = 0; list < kHeads; ++list) heads_[list] = {ref_of_head(list), ref_of_head(list)};
}

std::uint32_t TimerWheelCore::ticks_to_slot(unsigned level) const noexcept {
  // The top level has 256 slots only: its numbers have 8 bits.
  const unsigned words = level + 1 == kLevels ? kSlots / 128 : kSlots / 64;
  const std::uint64_t* occupied = &occupied_[level * (kSlots / 64)];
  const std::uint32_t current = time_.value >> (8 * level);
  const std::uint32_t first = (current + 1) & (words * 64 - 1);
  std::uint32_t word = first / 64;
  std::uint64_t bits = occupied[word] & (~std::uint64_t{0} << (first % 64));
  for (unsigned i = 0; i <= words; ++i) {
    if (bits != 0) {
      const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      const std::uint32_t ahead = ((slot - first) & (words * 64 - 1)) + 1;
      return ((current + ahead) << (8 * level)) - time_.value;
    }
    word = (word + 1) & (words - 1);
    bits = occupied[word];
  }
  return kNever;
}

unsigned TimerWheelCore::level_to_spread() const noexcept {
  for (unsigned level = 1; level < kLevels; ++level) {
    if (!empty(next_slot(level))) return level;
  }
  return 0;
}

std::optional<Tick> TimerWheelCore::next_deadline(Tick now) const noexcept {
  if (stats_.armed == 0) return std::nullopt;
  if (!empty(kDue) || !empty(kFiring)) return now;
  std::uint32_t ahead = kNever;
  for (unsigned level = 0; level < kLevels; ++level) ahead = std::min(ahead, ticks_to_slot(level));
  if (ahead <= now.value - time_.value) return now;
  // No deadline is Tick{0}, so 1 is as good a bound for a slot that begins there.
  const std::uint32_t bound = time_.value + ahead;
  return Tick{bound == 0 ? 1 : bound};
}

}  // namespace sluice::stack
