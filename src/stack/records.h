// SPDX-License-Identifier: BSD-3-Clause
// The slabs that connections live in, and how table and wheel reach them by Handle.
// Shard thread.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/reserve.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "base/tick.h"
#include "base/timer_node.h"
#include "stack/handle.h"
#include "tcp/bbr_model.h"
#include "tcp/congestion_state.h"
#include "tcp/send_map.h"
#include "tcp/tcb.h"

namespace sluice::stack {

// Eight bytes of the flow's 22. The last six are both ports and our address's index.
[[nodiscard]] inline std::uint64_t flow_word(const tcp::FlowId& flow, std::size_t at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&flow) + at, sizeof(word));
  return word;
}

// The table's keyed hash of a flow: a stranger cannot choose his bucket.
[[nodiscard]] inline std::uint64_t flow_hash(SipKey key, const tcp::FlowId& flow) noexcept {
  const std::array words{flow_word(flow, 0), flow_word(flow, 8), flow_word(flow, 14) >> 16U};
  if (words[0] == 0) [[likely]] return siphash<1, 3>(key, std::span(words).subspan(1));  // IPv4
  return siphash<1, 3>(key, words);
}

// The same of four IPv4 flows at once.
[[nodiscard]] inline SipLanes flow_hash_v4(SipKey key, const std::array<const tcp::FlowId*, 4>& flows) noexcept {
  const auto words = [&](std::size_t at) {
    return SipLanes{flow_word(*flows[0], at), flow_word(*flows[1], at), flow_word(*flows[2], at), flow_word(*flows[3], at)};
  };
  const std::array<SipLanes, 2> messages{words(8), words(14) >> 16U};
  return siphash_lanes<1, 3>(key, messages);
}

struct Slabs {
  Slab<tcp::Tcb> tcbs;
  Slab<tcp::HalfOpen> half_opens;
  Slab<tcp::TimeWait> time_waits;
  Slab<tcp::Side> sides;
  Slab<tcp::CongestionState> congestion;
  Slab<tcp::BbrModel> models;
  Slab<tcp::SendMap> maps;
  Slab<tcp::SendMore> more_sends;
  SipKey table_key;

  // Where a kind's records begin and how far they lie apart, by Kind: every lookup and every timer asks, and a
  // multiplication costs less than a branch on what comes in no order.
  struct Row {
    char* first;
    std::size_t stride;
  };
  std::array<Row, 3> rows{row(tcbs), row(half_opens), row(time_waits)};
  // And where their timers do.
  std::array<Row, 3> timers{row(tcbs, offsetof(tcp::Tcb, timer)), row(half_opens, offsetof(tcp::HalfOpen, timer)),
                            row(time_waits, offsetof(tcp::TimeWait, timer))};

  template <typename T>
  [[nodiscard]] static Row row(Slab<T>& slab, std::size_t at = 0) noexcept {
    return {reinterpret_cast<char*>(&slab[0]) + at, sizeof(T)};
  }
  [[nodiscard]] char* at(Handle handle) const noexcept {
    DCHECK(handle.valid());
    const Row& row = rows[static_cast<std::size_t>(handle.kind())];
    return row.first + handle.index() * row.stride;
  }
  // The flow comes first in each.
  [[nodiscard]] const tcp::FlowId& flow(Handle handle) const noexcept {
    return *reinterpret_cast<const tcp::FlowId*>(at(handle));
  }
};
static_assert(offsetof(tcp::Tcb, flow) == 0 && offsetof(tcp::HalfOpen, flow) == 0 && offsetof(tcp::TimeWait, flow) == 0);

// What ConnTable and TimerWheel ask for.
struct Records {
  Slabs* slabs;

  [[nodiscard]] std::array<std::uint64_t, 4> hashes_of(const std::array<Handle, 4>& handles) const noexcept {
    const std::array flows{&slabs->flow(handles[0]), &slabs->flow(handles[1]), &slabs->flow(handles[2]), &slabs->flow(handles[3])};
    const auto is_v4 = [](const tcp::FlowId* flow) { return flow_word(*flow, 0) == 0; };
    std::array<std::uint64_t, 4> hashes;
    if (std::all_of(flows.begin(), flows.end(), is_v4)) [[likely]] {
      const SipLanes lanes = flow_hash_v4(slabs->table_key, flows);
      std::memcpy(hashes.data(), &lanes, sizeof(hashes));
    } else {
      for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = flow_hash(slabs->table_key, *flows[i]);
    }
    return hashes;
  }
  // Always in line: see ConnTableCore::prefetch_bucket().
  [[gnu::always_inline]] inline void prefetch(Handle handle) const noexcept {
    const char* first = slabs->at(handle);
    _mm_prefetch(first, _MM_HINT_T0);
    if (handle.kind() == Kind::kTcb) {
      _mm_prefetch(first + 64, _MM_HINT_T0);
      _mm_prefetch(first + 128, _MM_HINT_T0);
    } else {
      _mm_prefetch(first + sizeof(tcp::TimeWait) - 1, _MM_HINT_T0);  // may lie across two lines
    }
  }
  [[nodiscard]] TimerNode& node(Handle handle) const noexcept {
    const Slabs::Row& row = slabs->timers[static_cast<std::size_t>(handle.kind())];
    return *reinterpret_cast<TimerNode*>(row.first + handle.index() * row.stride);
  }
  // Behind the links in each.
  [[nodiscard]] Tick& deadline(Handle handle) const noexcept {
    return *reinterpret_cast<Tick*>(reinterpret_cast<char*>(&node(handle)) + sizeof(TimerNode));
  }
};
static_assert(offsetof(tcp::Tcb, armed) == offsetof(tcp::Tcb, timer) + sizeof(TimerNode));
static_assert(offsetof(tcp::HalfOpen, deadline) == offsetof(tcp::HalfOpen, timer) + sizeof(TimerNode));
static_assert(offsetof(tcp::TimeWait, deadline) == offsetof(tcp::TimeWait, timer) + sizeof(TimerNode));

}  // namespace sluice::stack
