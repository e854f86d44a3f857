// SPDX-License-Identifier: BSD-3-Clause
// Our numbers on DPDK's telemetry socket (RUNTIME_DIR/dpdk_telemetry.v2), beside those of
// DPDK's own libraries: /sluice/stats, /sluice/verdicts, /sluice/ports and /sluice/shards
// (the first 80, by number) and /sluice/shards,N, which adds shard N's counters.
#pragma once

#include <functional>

#include "sluice/stats.h"

namespace sluice::port {

// Answers while it lives; before and after, the commands' answer is null. One at a time
// a process, made and destroyed on the control path, after the EAL's start.
class Telemetry {
 public:
  // `source` runs on DPDK's telemetry threads, one call at a time, and must not wait for
  // the thread that destroys this object.
  explicit Telemetry(std::function<Stats()> source);
  // Returns when no query uses `source` any more.
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace sluice::port
