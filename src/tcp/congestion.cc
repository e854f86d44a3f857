// SPDX-License-Identifier: BSD-3-Clause
// The events that every algorithm hears, handed to the connection's own; and what is
// the same for all of them.
#include "tcp/congestion.h"

#include <algorithm>

#include "tcp/cc_cubic.h"
#include "tcp/cc_dctcp.h"
#include "tcp/cc_reno.h"
#include "tcp/sending.h"

namespace sluice::tcp::congestion {

namespace {
void set_cwnd(Tcb& tcb, std::uint64_t bytes) noexcept {
  tcb.cwnd = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, reno::kCwndMax));
}

// ssthresh and cwnd by the connection's algorithm, `flight` outstanding.
void reduce(Tcb& tcb, std::uint32_t flight, Env& env) noexcept {
  switch (env.of(tcb).congestion) {
    case CongestionControl::kDctcp:  // RFC 8257 3.5: lost is lost
    case CongestionControl::kNewReno: reno::loss(tcb, flight); return;
    case CongestionControl::kCubic: cubic::loss(tcb, flight, env); return;
  }
}

// The window was reduced, and what was outstanding then still is, or has just been acknowledged. (A reduction of 2 GB ago
// would lie ahead again, but not within what is outstanding.)
bool reduced_lately(const Tcb& tcb, const CongestionState& state) noexcept {
  return state.reduced && !tcb.snd_una.after(state.cwr_end) && !state.cwr_end.after(tcb.snd_nxt);
}

// RFC 3168 6.1.2: whatever the reason, the peer is told, and echoes of this window say nothing new.
void note_reduced(Tcb& tcb, Env& env) noexcept {
  if ((tcb.flags & kEcnOk) == 0) [[likely]] return;
  CongestionState* state = state_of(tcb, env);
  if (state == nullptr) return;
  state->reduced = true;
  state->cwr_end = tcb.snd_nxt;
  tcb.flags |= kEcnCwr;
}
}  // namespace

std::uint32_t initial_window(std::uint32_t smss) noexcept {
  return std::min(10 * smss, std::max<std::uint32_t>(2 * smss, 14'600));
}

// RFC 6928 2: one segment only when more than one SYN was lost, for with an RTO of 1 s a single
// "loss" may be but a long path.
void start(Tcb& tcb, unsigned syn_losses) noexcept {
  set_cwnd(tcb, syn_losses > 1 ? smss(tcb) : initial_window(smss(tcb)));
}

void acked(Tcb& tcb, const AckSample& sample, Env& env) noexcept {
  switch (env.of(tcb).congestion) {
    case CongestionControl::kDctcp:
    case CongestionControl::kNewReno: reno::acked(tcb, sample.acked, sample.flight); return;
    case CongestionControl::kCubic: cubic::acked(tcb, sample, env); return;
  }
}

void loss(Tcb& tcb, std::uint32_t flight, Env& env) noexcept {
  const CongestionControl algorithm = env.of(tcb).congestion;
  const bool halves = algorithm == CongestionControl::kNewReno || algorithm == CongestionControl::kCubic;
  if ((tcb.flags & kEcnOk) != 0 && halves) [[unlikely]] {
    // RFC 3168 6.1.2: once for marks and losses of one window. (DCTCP's answer to a mark may have been next to none.)
    const CongestionState* state = state_of(tcb, env);
    if (state != nullptr && reduced_lately(tcb, *state) && tcb.snd_una != state->cwr_end) return;
  }
  reduce(tcb, flight, env);
  note_reduced(tcb, env);
}

void echo(Tcb& tcb, std::uint32_t acked, bool echoed, Env& env) noexcept {
  CongestionState* state = state_of(tcb, env);
  if (state == nullptr) return;  // nothing of ours asked to be marked
  const bool is_dctcp = env.of(tcb).congestion == CongestionControl::kDctcp;
  if (is_dctcp) dctcp::observe(tcb, state->as_dctcp(), acked, echoed);
  if (!echoed || (tcb.flags & (kInRecovery | kInRtoRecovery)) != 0) return;
  // Once a round trip: until something beyond cwr_end is acknowledged the peer has not heard CWR, and echoes on.
  if (reduced_lately(tcb, *state)) return;
  ++env.counters.ecn_reductions;
  const std::uint32_t before = tcb.cwnd;
  if (is_dctcp) {
    dctcp::reduce(tcb, state->dctcp);
  } else {
    reduce(tcb, tcb.cwnd, env);
  }
  tcb.cwnd = std::min(tcb.cwnd, before);  // ssthresh is two segments at least, the window may have been one
  note_reduced(tcb, env);
}

// RFC 6937: where proportional reduction led to.
void recovered(Tcb& tcb, Env&) noexcept { set_cwnd(tcb, tcb.ssthresh); }

void timeout(Tcb& tcb, std::uint32_t flight, bool first, Env& env) noexcept {
  switch (env.of(tcb).congestion) {
    case CongestionControl::kDctcp:
    case CongestionControl::kNewReno: reno::timeout(tcb, flight, first); break;
    case CongestionControl::kCubic: cubic::timeout(tcb, flight, first, env); break;
  }
  note_reduced(tcb, env);
}

// RFC 4015 3.2: what was sent meanwhile may have let cwnd grow beyond what it was.
void undo(Tcb& tcb, std::uint32_t prior_cwnd, std::uint32_t prior_ssthresh, Env& env) noexcept {
  tcb.cwnd = std::max(tcb.cwnd, prior_cwnd);
  tcb.ssthresh = std::max(tcb.ssthresh, prior_ssthresh);
  if (CongestionState* state = state_of(tcb, env)) state->reduced = false;  // not any more
  switch (env.of(tcb).congestion) {
    case CongestionControl::kDctcp:
    case CongestionControl::kNewReno: return;
    case CongestionControl::kCubic: cubic::undo(tcb, env); return;
  }
}

void idle(Tcb& tcb, Env& env) noexcept {
  tcb.cwnd = std::min(tcb.cwnd, initial_window(smss(tcb)));
  drop_state(tcb, env);
}

CongestionState* need_state(Tcb& tcb, Env& env) noexcept {
  if (tcb.congestion == kNoCongestionState) {
    const std::uint32_t index = env.congestion.take();
    if (index == kNoIndex) {
      ++env.counters.congestion_blocks_exhausted;
      return nullptr;
    }
    tcb.congestion = static_cast<std::uint16_t>(index);
  }
  return &env.congestion[tcb.congestion];
}

void drop_state(Tcb& tcb, Env& env) noexcept {
  if (tcb.congestion == kNoCongestionState) return;
  env.congestion.give(tcb.congestion);
  tcb.congestion = kNoCongestionState;
}

}  // namespace sluice::tcp::congestion
