// SPDX-License-Identifier: BSD-3-Clause
// A connection's name within a shard: the four-tuple, with our own address as an
// index into the stack's table of local addresses (IPv6 in 22 bytes).
#pragma once

#include <cstdint>
#include <cstring>

#include "sluice/config.h"

namespace sluice::tcp {

struct FlowId {
  IpAddress remote;
  std::uint16_t remote_port = 0;  // host order
  std::uint16_t local_port = 0;   // host order
  std::uint16_t local_addr = 0;   // index into the stack's local addresses

  // In whole words, because every lookup asks.
  friend bool operator==(const FlowId& a, const FlowId& b) noexcept {
    const char* x = reinterpret_cast<const char*>(&a);
    const char* y = reinterpret_cast<const char*>(&b);
    std::uint64_t difference = 0;
    for (const int at : {0, 8, 14}) {  // the last two words overlap: 22 bytes
      std::uint64_t v = 0;
      std::uint64_t w = 0;
      std::memcpy(&v, x + at, sizeof(v));
      std::memcpy(&w, y + at, sizeof(w));
      difference |= v ^ w;
    }
    return difference == 0;
  }
};
static_assert(sizeof(FlowId) == 22);

}  // namespace sluice::tcp
