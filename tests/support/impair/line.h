// SPDX-License-Identifier: BSD-3-Clause
// One direction of a bad wire: frames go in, and come out later, twice, spoilt, in another
// order or not at all, as a seed decides. The impair program carries them between two
// interfaces, ImpairedPort between a port and its user. No clock and no device of its own;
// all memory is taken at the start. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/rng.h"
#include "support/impair/rate_limiter.h"

namespace sluice::test {

inline constexpr std::uint32_t kMillion = 1'000'000;

struct Impairment {
  std::int64_t delay_ns = 0;
  std::int64_t jitter_ns = 0;      // up to so much more; order is kept
  std::uint32_t loss_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t corrupt_ppm = 0;   // one byte behind the Ethernet header is changed
  std::uint32_t reorder_ppm = 0;   // held back by up to reorder_by_ns beyond the others
  std::int64_t reorder_by_ns = 1'000'000;
  std::uint64_t rate_bps = 0;      // 0: without limit
  std::uint64_t buffer_bytes = 1U << 20U;  // that may wait for their turn at rate_bps; the rest is dropped
  std::uint32_t lanes = 1;         // links side by side, each of rate_bps with its buffer; which one the ports of a TCP segment say, summed
};

struct LineCounts {
  std::uint64_t in = 0, out = 0, bytes_out = 0;
  std::uint64_t lost = 0, duplicated = 0, corrupted = 0, reordered = 0;
  std::uint64_t overflowed = 0;    // no room in the buffer of the limited rate
  std::uint64_t no_slot = 0;       // our own room was too small: not what was asked for
  std::uint64_t too_long = 0;
};

class Line {
 public:
  struct Leaving {
    const std::uint8_t* data;
    std::uint32_t len;
    std::uint32_t slot;
    std::int64_t due_ns;
  };

  Line(const Impairment& impairment, std::uint64_t seed, std::uint32_t slots, std::uint32_t slot_bytes);

  // A frame begins to travel.
  void take(std::span<const std::uint8_t> frame, std::int64_t now_ns);
  // Frames that have arrived by now, in order, at most out.size(); each is given back by done().
  std::size_t arrived(std::span<Leaving> out, std::int64_t now_ns);
  void done(const Leaving& frame) { free_.push_back(frame.slot); }
  // When the next one arrives; INT64_MAX when none is under way.
  [[nodiscard]] std::int64_t next_ns() const noexcept { return flying_.empty() ? INT64_MAX : flying_.front().due_ns; }
  [[nodiscard]] const LineCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] std::size_t flying() const noexcept { return flying_.size(); }
  // Every frame that came in, and every second one made of it, has arrived, is under way, or was lost and counted.
  [[nodiscard]] bool balanced() const noexcept {
    const LineCounts& c = counts_;
    return c.in + c.duplicated == c.out + flying_.size() + c.lost + c.overflowed + c.no_slot + c.too_long;
  }
  // The line never loses what lets neighbours find each other: those timers are not what it is there for.
  [[nodiscard]] static bool finds_neighbours(std::span<const std::uint8_t> frame) noexcept;

 private:
  struct Flying {
    std::int64_t due_ns;
    std::uint64_t order;  // frames of one instant keep theirs
    std::uint32_t slot, len;
    bool operator<(const Flying& other) const noexcept {  // for a heap with the soonest in front
      return due_ns != other.due_ns ? due_ns > other.due_ns : order > other.order;
    }
  };
  // What travels on one lane keeps its order, and its fate is decided by how many went there before it.
  struct Lane {
    Lane(std::uint64_t seed, const Impairment& impairment) noexcept : rng(seed), rate(impairment.rate_bps, impairment.buffer_bytes) {}
    [[nodiscard]] bool chance(std::uint32_t ppm) noexcept { return ppm != 0 && rng.below(kMillion) < ppm; }
    [[nodiscard]] std::int64_t up_to(std::int64_t ns) noexcept {
      return ns > 0 ? static_cast<std::int64_t>(rng.next() % static_cast<std::uint64_t>(ns + 1)) : 0;
    }
    Rng rng;
    RateLimiter rate;
    std::int64_t last_due_ns = 0;
  };
  [[nodiscard]] Lane& lane_of(std::span<const std::uint8_t> frame) noexcept;
  // Where the frame's copy is until it arrives; null, and counted, when all slots are taken.
  std::uint8_t* fly(std::span<const std::uint8_t> frame, std::int64_t due_ns);

  Impairment impairment_;
  std::uint32_t slot_bytes_;
  std::unique_ptr<std::uint8_t[]> room_;
  std::vector<std::uint32_t> free_;
  std::vector<Flying> flying_;
  std::uint64_t order_ = 0;
  std::vector<Lane> lanes_;
  LineCounts counts_;
};

}  // namespace sluice::test
