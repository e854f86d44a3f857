// SPDX-License-Identifier: BSD-3-Clause
// Runs seeds of the simulation: `sim_run --first 1 --count 5000`, or one again with
// `sim_run --seed 17 --trace`. Prints what failed with the seed that shows it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/world.h"
#include "sluice/version.h"

using sluice::test::Outcome;

namespace {

void print_failure(std::uint64_t seed, const Outcome& outcome) {
  std::printf("FAILED seed %llu (sluice %s): %s\n  %s\n  again: sim_run --seed %llu --trace\n",
              static_cast<unsigned long long>(seed), sluice::version(), outcome.failure.c_str(), outcome.scenario.c_str(),
              static_cast<unsigned long long>(seed));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 100;
  bool trace = false;
  bool one = false;
  for (int i = 1; i < argc; ++i) {
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (std::strcmp(argv[i], "--first") == 0) first = number();
    else if (std::strcmp(argv[i], "--count") == 0) count = number();
    else if (std::strcmp(argv[i], "--seed") == 0) { first = number(); count = 1; one = true; }
    else if (std::strcmp(argv[i], "--trace") == 0) trace = true;
    else {
      std::fprintf(stderr, "usage: sim_run [--first N] [--count N] | --seed N [--trace]\n");
      return 2;
    }
  }
  // SLUICE_SIM_SEEDS: how many seeds all parts of the suite try together; there are five.
  if (const char* all = std::getenv("SLUICE_SIM_SEEDS"); all != nullptr && !one) {
    count = std::min<std::uint64_t>(count, std::max<std::uint64_t>(std::strtoull(all, nullptr, 10) / 5, 1));
  }
  Outcome sum;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Outcome outcome = sluice::test::simulate(seed, trace);
    if (!outcome.failure.empty()) {
      ++failed;
      print_failure(seed, outcome);
      continue;
    }
    if (one) std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), outcome.scenario.c_str());
    // The same seed must give the same bytes at the same instants.
    if (seed % 50 == 0 && sluice::test::simulate(seed, false).digest != outcome.digest) {
      ++failed;
      std::printf("FAILED seed %llu: a second run differs from the first\n", static_cast<unsigned long long>(seed));
    }
    sum.events += outcome.events;
    sum.bytes += outcome.bytes;
    sum.connections += outcome.connections;
    sum.ended_in_order += outcome.ended_in_order;
    sum.reported_lost += outcome.reported_lost;
    sum.network.sent += outcome.network.sent;
    sum.network.lost += outcome.network.lost + outcome.network.cut + outcome.network.overflowed;
    sum.network.corrupted += outcome.network.corrupted;
    sum.network.marked += outcome.network.marked;
  }
  std::printf("%llu seeds, %llu failed; %llu events, %llu connections, %llu bytes delivered, %llu ends in order, %llu reported "
              "lost; %llu frames, %llu lost, %llu corrupted, %llu marked\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(failed),
              static_cast<unsigned long long>(sum.events), static_cast<unsigned long long>(sum.connections),
              static_cast<unsigned long long>(sum.bytes), static_cast<unsigned long long>(sum.ended_in_order),
              static_cast<unsigned long long>(sum.reported_lost), static_cast<unsigned long long>(sum.network.sent),
              static_cast<unsigned long long>(sum.network.lost), static_cast<unsigned long long>(sum.network.corrupted),
              static_cast<unsigned long long>(sum.network.marked));
  return failed == 0 ? 0 : 1;
}
