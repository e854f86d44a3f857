// SPDX-License-Identifier: BSD-3-Clause
// `sluice stats` and `sluice conns`: ask an instance and print.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/control_socket.h"
#include "cli/exit_status.h"
#include "cli/stats_view.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

int fail(const Error& error, const std::string& instance) {
  const bool absent = error.code == Errc::kNoDevice;
  std::fprintf(stderr, "sluice: %s%s%s%s\n", error.message.c_str(), absent ? "; is instance " : "",
               absent ? instance.c_str() : "", absent ? " running? Name another with --instance" : "");
  return kExitFailed;
}

// False when stdout is gone.
bool print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int print_stats(const StatsArguments& arguments, const std::string& path) {
  const Result<std::vector<std::string>> lines = ask_instance(path, arguments.json ? "stats" : "stats explain");
  if (!lines.ok()) return fail(lines.error(), arguments.instance);
  std::string text;
  for (const std::string& line : *lines) {
    const Json stats = Json::parse(line, nullptr, false);
    if (stats.is_discarded()) return fail({Errc::kIo, path + ": the answer is not JSON"}, arguments.instance);
    text += arguments.json ? line + "\n" : stats_table(stats);
  }
  // A terminal shows the new table in the old one's place.
  if (arguments.watch && !arguments.json) text = (::isatty(STDOUT_FILENO) != 0 ? "\x1b[H\x1b[2J" : "") + text + "\n";
  return print(text) ? kExitDone : kExitFailed;
}

// SIGINT and SIGTERM wait to be fetched instead of ending the process in mid-line.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  // True if one came within a second.
  [[nodiscard]] bool came_within_a_second() const {
    const timespec second{1, 0};
    int signal = 0;
    do {
      signal = sigtimedwait(&set_, nullptr, &second);
    } while (signal < 0 && errno == EINTR);
    return signal > 0;
  }

 private:
  sigset_t set_{}, before_{};
};

}  // namespace

int run_stats(const StatsArguments& arguments, const std::string& path) {
  if (!arguments.watch) return print_stats(arguments, path);
  const BlockedSignals signals;
  for (;;) {
    if (const int status = print_stats(arguments, path); status != kExitDone) return status;
    if (signals.came_within_a_second()) return kExitDone;
  }
}

int run_conns(const ConnsArguments& arguments, const std::string& path) {
  std::string request = "conns";
  for (const std::string& filter : arguments.filters) request += " " + filter;
  const Result<std::vector<std::string>> lines = ask_instance(path, request);
  if (!lines.ok()) return fail(lines.error(), arguments.instance);
  std::string text;
  std::vector<Json> connections;
  for (const std::string& line : *lines) {
    if (arguments.json) {
      text += line + "\n";
      continue;
    }
    Json connection = Json::parse(line, nullptr, false);
    if (connection.is_discarded()) return fail({Errc::kIo, path + ": the answer is not JSON"}, arguments.instance);
    connections.push_back(std::move(connection));
  }
  if (!arguments.json) text = conns_table(connections);
  return print(text) ? kExitDone : kExitFailed;
}

}  // namespace sluice::cli
