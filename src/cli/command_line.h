// SPDX-License-Identifier: BSD-3-Clause
// The command line as values. Nothing is read or started here.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/replay.h"

namespace sluice::cli {

struct ServeArguments {
  std::string config;
  bool check = false;
  std::vector<std::string> sets;
};

struct StatsArguments {
  bool json = false;
  bool watch = false;
  std::string instance = "sluice";
};

struct ConnsArguments {
  bool json = false;
  std::vector<std::string> filters;  // "state=ESTABLISHED"; a connection passes all of them
  std::string instance = "sluice";
};

using Command = std::variant<ServeArguments, ReplayArguments, StatsArguments, ConnsArguments>;

// Either a command, or what to print and the status to exit with.
struct ParsedLine {
  std::optional<Command> command;
  int status = 0;
  std::string out;    // --help, --version
  std::string error;  // one line: what is wrong; remedy
};

[[nodiscard]] ParsedLine parse_command_line(int argc, const char* const* argv);

}  // namespace sluice::cli
