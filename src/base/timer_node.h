// SPDX-License-Identifier: BSD-3-Clause
// The links by which a record hangs in its shard's timer wheel. The wheel alone
// reads and writes them; a zeroed node is in no list.
#pragma once

#include <cstdint>

namespace sluice {

struct TimerNode {
  std::uint32_t next = 0, prev = 0;
};

}  // namespace sluice
