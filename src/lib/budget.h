// SPDX-License-Identifier: BSD-3-Clause
// From a configuration to what must be reserved for it, checked against the memory that
// is there (Decision 11). Start-up only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "port/dpdk/eal.h"
#include "sluice/config.h"
#include "sluice/error.h"

namespace sluice::lib {

struct Limits {
  unsigned shards = 1;
  std::size_t buffers = 0;        // packet buffers in all
  std::size_t fragments = 0;      // that devices may be reading at one time
  std::size_t records_bytes = 0;  // connections, half-open and TIME_WAIT, tables: of all shards
};

// Records lie in ordinary memory; packet buffers in hugepages or, beside the records, in ordinary memory too, as dpdk.hugepages
// says. Errors: kInvalid (lcores), kNoMemory.
[[nodiscard]] Result<Limits> plan_limits(const Config& config, const port::MemoryThere& there);

}  // namespace sluice::lib
