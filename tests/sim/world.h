// SPDX-License-Identifier: BSD-3-Clause
// One simulated run: two hosts, the network between them, their applications; decided
// by a seed alone. After every event every invariant is checked.
#pragma once

#include <cstdint>
#include <string>

#include "sim/network.h"

namespace sluice::test {

struct Outcome {
  std::string failure;      // empty: everything held
  std::string scenario;     // the parameters drawn from the seed, in words
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;  // delivered to applications
  std::uint64_t connections = 0, ended_in_order = 0, reported_lost = 0;
  Instant ended;
  NetworkCounts network;
  std::uint64_t digest = 0;  // of every frame and its instant: equal for equal seeds
};

// `trace`: every frame on stdout.
[[nodiscard]] Outcome simulate(std::uint64_t seed, bool trace);

}  // namespace sluice::test
