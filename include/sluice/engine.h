// SPDX-License-Identifier: BSD-3-Clause
// The engine: ports, shards and services brought up together. Create it, add
// services, run it; run() returns after stop() and the drain.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/config.h"
#include "sluice/error.h"
#include "sluice/listener.h"
#include "sluice/stats.h"

namespace sluice {

class Engine {
 public:
  // Checks the configuration by the rules of a configuration file (kInvalid; the message begins with the key, as
  // "tcp.msl_ms" or "port.front.addresses[0]") and against the machine (memory, devices, queues), starts the devices
  // and reserves all memory. What only the command line uses, log_level and a service's app, is not looked at.
  // One engine a process (DPDK's rule).
  [[nodiscard]] static Result<std::unique_ptr<Engine>> create(const Config& config);
  virtual ~Engine() = default;

  // Before run(): the service listens on every shard at the endpoints of `config`, which is checked as create() does
  // the services of its own. After an error, and after an exception of the factory's, which goes through, it listens nowhere.
  virtual Result<void> add_service(const ServiceConfig& config, ServiceFactory factory) = 0;

  // Runs every shard until stop(). `ready`, if there is one, is called once, when every port is up
  // and every service listens. Blocks the calling thread.
  virtual Result<void> run(const std::function<void()>& ready) = 0;

  // Asks for a drain: listeners close, connections finish within drain_s, what is
  // left is reset. Async-signal-safe; any thread.
  virtual void stop() noexcept = 0;

  // Any thread while run() runs.
  [[nodiscard]] virtual Stats stats() const = 0;
  // Any thread but a shard's; asks every shard through its mailbox and waits. kTimedOut when one does not answer,
  // kNoDevice when all have ended, kNoMemory. A million connections take about 140 MB: for_each_connection() needs a few.
  [[nodiscard]] virtual Result<std::vector<ConnectionReport>> connections() = 0;

  // The same by and by, in memory that does not grow with their number. `wanted` is asked of each on its shard's thread, so it
  // must be quick, and safe to call from several at once. `take` gets those that are wanted, some at a time, on the calling
  // thread; the shards wait for it with the next, but with nothing else; false ends it.
  using Wanted = std::function<bool(const ConnectionReport&)>;
  using Take = std::function<bool(std::vector<ConnectionReport>)>;
  [[nodiscard]] virtual Result<void> for_each_connection(const Wanted& wanted, const Take& take) = 0;
};

}  // namespace sluice
