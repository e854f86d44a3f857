// SPDX-License-Identifier: BSD-3-Clause
// `sluice replay`: a capture in, what the engine answers out, in the capture's own time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/config.h"

namespace sluice::cli {

struct ReplayArguments {
  std::string in, out;  // captures
  std::string config;
  std::vector<std::string> sets;
  std::optional<std::uint64_t> seed;  // already in the Config that run_replay() gets
  bool learn_isn = false;             // `in` holds a server's answers too: repeat its numbers, compare the rest
};

// Feeds `in` to an engine made of `config`, whose first port's device it replaces, and
// writes `out`. Returns the exit status; what went wrong is on stderr. Once a process.
[[nodiscard]] int run_replay(const Config& config, const ReplayArguments& arguments);

}  // namespace sluice::cli
