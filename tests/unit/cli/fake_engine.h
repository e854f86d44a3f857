// SPDX-License-Identifier: BSD-3-Clause
// Stands for the engine, the apps and the replay in tests of the command line.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/replay.h"
#include "sluice/config.h"
#include "sluice/error.h"

namespace sluice::cli {

struct FakeEngine {
  // What the next call of each answers.
  std::optional<Error> create_error, add_error, run_error, factory_error;
  std::optional<std::string> factory_throws;
  int replay_status = 0;
  std::function<void()> while_created;  // inside Engine::create
  std::function<void()> while_running;  // after `ready`, before waiting for stop()

  // What was asked.
  Config config;
  std::vector<std::string> services;
  bool stopped = false;
  std::optional<ReplayArguments> replayed;
};

// The one of this process; a test assigns a fresh one.
FakeEngine& fake_engine();

}  // namespace sluice::cli
