// SPDX-License-Identifier: BSD-3-Clause
// From argv to a command.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <variant>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/exit_status.h"
#include "cli/names.h"

namespace sluice::cli {
namespace {

// A standard descriptor that was closed would be the next thing opened: a device's queue,
// say, into which a message is then written.
void keep_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1) (void)::open("/dev/null", O_RDWR);  // the lowest free one, which is fd
  }
}

int replay(const ReplayArguments& arguments) {
  LoadedConfig loaded = load_config(arguments.config, arguments.sets);
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (!loaded.errors.empty()) return kExitUsage;
  if (arguments.seed) loaded.config.tcp.seed = *arguments.seed;
  return run_replay(loaded.config, arguments);
}

struct Run {
  int operator()(const ServeArguments& arguments) const { return run_serve(arguments, kRunDirectory); }
  int operator()(const ReplayArguments& arguments) const { return replay(arguments); }
  int operator()(const StatsArguments& arguments) const {
    return run_stats(arguments, control_socket_path(arguments.instance));
  }
  int operator()(const ConnsArguments& arguments) const {
    return run_conns(arguments, control_socket_path(arguments.instance));
  }
};

}  // namespace

int run_program(int argc, const char* const* argv) noexcept {
  keep_standard_descriptors();
  try {
    const ParsedLine line = parse_command_line(argc, argv);
    if (!line.out.empty()) std::fputs(line.out.c_str(), stdout);
    if (!line.error.empty()) std::fprintf(stderr, "sluice: %s\n", line.error.c_str());
    if (!line.command) return line.status;
    return std::visit(Run{}, *line.command);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace sluice::cli
