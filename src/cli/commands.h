// SPDX-License-Identifier: BSD-3-Clause
// What each command does. Every function returns the exit status of the process; what
// went wrong is on stderr. Main thread.
#pragma once

#include <string>
#include <string_view>

#include "cli/command_line.h"

namespace sluice::cli {

// Runs an engine until SIGTERM or SIGINT. Prints "sluice: ready" on stdout. The control
// socket lives in `run_directory`.
[[nodiscard]] int run_serve(const ServeArguments& arguments, std::string_view run_directory);

// These ask a running instance over the control socket at `path`.
[[nodiscard]] int run_stats(const StatsArguments& arguments, const std::string& path);
[[nodiscard]] int run_conns(const ConnsArguments& arguments, const std::string& path);

// The whole program: parses the command line and runs its command. Exceptions end here.
[[nodiscard]] int run_program(int argc, const char* const* argv) noexcept;

}  // namespace sluice::cli
