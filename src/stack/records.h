// SPDX-License-Identifier: BSD-3-Clause
// The slabs that connections live in, and how table and wheel reach them by Handle.
// Shard thread.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "base/reserve.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "base/tick.h"
#include "base/timer_node.h"
#include "stack/handle.h"
#include "tcp/congestion_state.h"
#include "tcp/send_map.h"
#include "tcp/tcb.h"

namespace sluice::stack {

// The table's keyed hash of a flow: a stranger cannot choose his bucket.
[[nodiscard]] inline std::uint64_t flow_hash(SipKey key, const tcp::FlowId& flow) noexcept {
  const std::uint64_t ports = std::uint64_t{flow.remote_port} | std::uint64_t{flow.local_port} << 16U |
                              std::uint64_t{flow.local_addr} << 32U;
  std::array<std::uint64_t, 3> words{};
  std::memcpy(words.data(), flow.remote.bytes.data(), 16);
  words[2] = ports;
  if (words[0] == 0) [[likely]] return siphash<1, 3>(key, std::span(words).subspan(1));  // IPv4
  return siphash<1, 3>(key, words);
}

struct Slabs {
  Slab<tcp::Tcb> tcbs;
  Slab<tcp::HalfOpen> half_opens;
  Slab<tcp::TimeWait> time_waits;
  Slab<tcp::Side> sides;
  Slab<tcp::CongestionState> congestion;
  Slab<tcp::SendMap> maps;
  Slab<tcp::SendMore> more_sends;
  SipKey table_key;

  [[nodiscard]] const tcp::FlowId& flow(Handle handle) const noexcept {
    switch (handle.kind()) {
      case Kind::kTcb: return tcbs[handle.index()].flow;
      case Kind::kHalfOpen: return half_opens[handle.index()].flow;
      case Kind::kTimeWait: return time_waits[handle.index()].flow;
      case Kind::kNone: break;
    }
    CHECK(false);
    __builtin_unreachable();
  }
};

// What ConnTable and TimerWheel ask for.
struct Records {
  Slabs* slabs;

  [[nodiscard]] std::uint64_t hash_of(Handle handle) const noexcept {
    return flow_hash(slabs->table_key, slabs->flow(handle));
  }
  void prefetch(Handle handle) const noexcept {
    switch (handle.kind()) {
      case Kind::kTcb: {
        const char* line = reinterpret_cast<const char*>(&slabs->tcbs[handle.index()]);
        _mm_prefetch(line, _MM_HINT_T0);
        _mm_prefetch(line + 64, _MM_HINT_T0);
        _mm_prefetch(line + 128, _MM_HINT_T0);
        return;
      }
      case Kind::kHalfOpen: return prefetch_compact(&slabs->half_opens[handle.index()]);
      case Kind::kTimeWait: return prefetch_compact(&slabs->time_waits[handle.index()]);
      case Kind::kNone: return;
    }
  }
  [[nodiscard]] TimerNode& node(Handle handle) const noexcept {
    switch (handle.kind()) {
      case Kind::kTcb: return slabs->tcbs[handle.index()].timer;
      case Kind::kHalfOpen: return slabs->half_opens[handle.index()].timer;
      case Kind::kTimeWait: return slabs->time_waits[handle.index()].timer;
      case Kind::kNone: break;
    }
    CHECK(false);
    __builtin_unreachable();
  }
  [[nodiscard]] Tick& deadline(Handle handle) const noexcept {
    switch (handle.kind()) {
      case Kind::kTcb: return slabs->tcbs[handle.index()].armed;
      case Kind::kHalfOpen: return slabs->half_opens[handle.index()].deadline;
      case Kind::kTimeWait: return slabs->time_waits[handle.index()].deadline;
      case Kind::kNone: break;
    }
    CHECK(false);
    __builtin_unreachable();
  }

 private:
  // 56 bytes may lie across two lines.
  static void prefetch_compact(const void* record) noexcept {
    const char* first = static_cast<const char*>(record);
    _mm_prefetch(first, _MM_HINT_T0);
    _mm_prefetch(first + 55, _MM_HINT_T0);
  }
};

}  // namespace sluice::stack
