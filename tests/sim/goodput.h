// SPDX-License-Identifier: BSD-3-Clause
// One sender through a bad wire, as bench/compare/goodput.py measures it, in virtual time: 400 Mbit/s, a queue of one
// bandwidth-delay product (at least 256 kB), 32 MB of buffer at either end, loss and reordering towards the receiver only.
// What the machine is busy with plays no part here, and neither does Linux.
#pragma once

#include <cstdint>
#include <functional>

#include "sim/bottleneck.h"

namespace sluice::test {

struct Cell {
  CongestionControl algorithm = CongestionControl::kNewReno;
  std::uint32_t loss = 0;       // per mille
  std::int64_t rtt_ms = 20;
  bool reorder = false;         // 1 % of frames, up to a quarter of a round trip late, at least 0.3 ms
  std::uint64_t seed = 1;
  std::int64_t ms = 4000;       // measured from the SYN on
};

struct Outcome {
  double mbit = 0;              // payload that the application got, Mbit/s
  double share = 0;             // of what the link carries in the time that is left after the handshake
  std::uint64_t resent = 0;     // segments
  std::uint64_t dropped = 0;    // frames, by chance or by a full queue
  std::uint64_t timeouts = 0, recoveries = 0, lost_again = 0, undone = 0;
  const char* broken = nullptr;
};

// `watch` is called every `every_ms` with the sender's block.
using Watch = std::function<void(std::int64_t ms, const tcp::Tcb& tcb, const stack::Stack& stack, const NetworkCounts& counts)>;
[[nodiscard]] Outcome run(const Cell& cell, std::int64_t every_ms = 0, const Watch& watch = {});

}  // namespace sluice::test
