// SPDX-License-Identifier: BSD-3-Clause
// What the core may touch beside the connection: passed in with every event, so
// that it needs no clock, no chance, no allocation and no device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/buf_pool.h"
#include "base/check.h"
#include "base/slab.h"
#include "base/tick.h"
#include "sluice/stats.h"
#include "sluice/time.h"
#include "tcp/bbr_model.h"
#include "tcp/congestion_state.h"
#include "tcp/params.h"
#include "tcp/segment.h"
#include "tcp/send_map.h"
#include "tcp/tcb.h"
#include "tcp/verdict.h"

namespace sluice::tcp {

// Segments on their way out of one event. When it is full, output() stops, sets
// kMoreOutput, and is called again after the stack has emptied it.
class Outbox {
 public:
  static constexpr std::size_t kCapacity = 64;

  [[nodiscard]] bool full() const noexcept { return count_ == kCapacity; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  // A fresh segment to fill in; only when not full(). Answers to a single received segment (RST,
  // challenge ACK) may rely on two places being free when on_segment is entered.
  [[nodiscard]] OutSegment& add() noexcept {
    OutSegment& segment = segments_[count_++];
    segment = OutSegment{};
    return segment;
  }
  [[nodiscard]] OutSegment& operator[](std::size_t i) noexcept { return segments_[i]; }
  void clear() noexcept { count_ = 0; }

 private:
  std::size_t count_ = 0;
  std::array<OutSegment, kCapacity> segments_;
};

// What an event means for the application; the stack delivers it after the event
// and then calls output(), so that an answer carries the acknowledgment.
enum Event : std::uint8_t {
  kEventConnected = 1,  // ESTABLISHED was entered
  kEventReadable = 2,   // bytes or the peer's FIN
  kEventWritable = 4,   // room, and kWantWritable was set
  kEventClosed = 8,     // the connection ended; tcb.error says why (kOk: orderly). State is CLOSED.
  kEventR1 = 16,        // retransmissions go unanswered (RFC 9293 3.8.3): for the stack, the next hop may be gone
  kEventIdle = 32,      // nothing came for Params::keepidle_ms, and the application wants to know (Params::idle_ends)
};

// RFC 4022's counters and the state census, kept by the core.
struct Counters {
  TcpStats mib;
  std::array<std::uint64_t, kStates> states{};  // full connections only; the stack adds its compact records
  std::uint64_t paws_dropped = 0, challenge_acks = 0, challenge_acks_limited = 0;
  std::uint64_t ooo_dropped = 0, side_blocks_exhausted = 0;
  std::uint64_t rto_timeouts = 0, fast_retransmits = 0, keepalive_probes = 0, zero_window_probes = 0;
  std::uint64_t delayed_acks = 0;
  std::uint64_t congestion_blocks_exhausted = 0;
  std::uint64_t tlp_probes = 0, tlp_losses = 0, reorder_timeouts = 0, lost_retransmissions = 0, dsacks_received = 0;
  std::uint64_t undone_by_timestamps = 0, undone_by_dsack = 0, undone_by_frto = 0, send_maps_exhausted = 0;
  std::uint64_t ecn_marks = 0, ecn_reductions = 0;
};

struct Env {
  Instant now;                       // sampled once a burst; set_now() writes it
  Tick tick;                         // floor(now)
  Outbox& out;
  BufPool& bufs;
  Slab<Side>& sides;
  Slab<CongestionState>& congestion;
  Slab<BbrModel>& models;
  Slab<SendMap>& maps;
  Slab<SendMore>& more_sends;
  const Params* params;              // table, indexed by Tcb::params
  const std::uint16_t* local_mss;    // MSS that the MTU allows, indexed by FlowId::local_addr
  Counters& counters;
  std::uint8_t events = 0;           // Event, collected by the core
  // Of the SYN at hand: that a TIME_WAIT may give way to it, or why not. Whoever passes SYNs on says so before.
  Verdict reuse = Verdict::kTimeWaitReused;
  std::uint32_t ooo_bufs = 0;        // buffers that lie ahead of gaps, of all connections
  std::uint32_t ooo_bufs_max = UINT32_MAX;

  [[nodiscard]] const Params& of(const Tcb& tcb) const noexcept { return params[tcb.params]; }
  // `now` in other units, divided once a burst and not at each use.
  std::uint32_t us = static_cast<std::uint32_t>(now.us());
  std::uint32_t ms = static_cast<std::uint32_t>(now.ms());

  std::uint32_t next_tick = Tick::ceil_value(now);

  // A deadline so many whole ticks from now.
  [[nodiscard]] Tick after_ticks(std::uint32_t ticks) const noexcept { return Tick::not_zero(next_tick + ticks); }
  void set_now(Instant instant) noexcept {
    now = instant;
    tick = Tick::floor(instant);
    next_tick = Tick::ceil_value(instant);
    us = static_cast<std::uint32_t>(instant.us());
    ms = static_cast<std::uint32_t>(instant.ms());
  }
  [[nodiscard]] std::uint32_t now_ms() const noexcept {
    DCHECK(ms == static_cast<std::uint32_t>(now.ms()));
    return ms;
  }
  [[nodiscard]] std::uint32_t now_us() const noexcept {
    DCHECK(us == static_cast<std::uint32_t>(now.us()));
    return us;
  }
};

}  // namespace sluice::tcp
