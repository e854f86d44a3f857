// SPDX-License-Identifier: BSD-3-Clause
// The events that every algorithm hears, handed to the connection's own; and what is
// the same for all of them.
#include "tcp/congestion.h"

#include <algorithm>

#include "tcp/cc_bbr.h"
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
    case CongestionControl::kBbr:
      if (BbrModel* model = model_of(tcb, env)) return bbr::loss(tcb, *model, env);
      reno::loss(tcb, flight);
      return;
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
    case CongestionControl::kNewReno: reno::acked(tcb, sample); return;
    case CongestionControl::kCubic: cubic::acked(tcb, sample, env); return;
    case CongestionControl::kBbr:
      if (BbrModel* model = model_of(tcb, env)) return bbr::acked(tcb, *model, sample, env);
      reno::acked(tcb, sample);
      return;
  }
}

bool loss(Tcb& tcb, std::uint32_t flight, Env& env) noexcept {
  const CongestionControl algorithm = env.of(tcb).congestion;
  const bool halves = algorithm == CongestionControl::kNewReno || algorithm == CongestionControl::kCubic;
  if ((tcb.flags & kEcnOk) != 0 && halves) [[unlikely]] {
    // RFC 3168 6.1.2: once for marks and losses of one window. (DCTCP's answer to a mark may have been next to none.)
    const CongestionState* state = state_of(tcb, env);
    if (state != nullptr && reduced_lately(tcb, *state) && tcb.snd_una != state->cwr_end) return false;
  }
  reduce(tcb, flight, env);
  note_reduced(tcb, env);
  return true;
}

void echo(Tcb& tcb, std::uint32_t acked, bool echoed, Env& env) noexcept {
  CongestionState* state = state_of(tcb, env);
  if (state == nullptr) return;  // nothing of ours asked to be marked
  if (env.of(tcb).congestion == CongestionControl::kBbr) return;  // nor does BBR's: it has no answer to a mark
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
void recovered(Tcb& tcb, Env& env) noexcept {
  if (BbrModel* model = model_of(tcb, env)) return bbr::recovered(tcb, *model, env);
  set_cwnd(tcb, tcb.ssthresh);
}

void timeout(Tcb& tcb, std::uint32_t flight, bool first, Env& env) noexcept {
  switch (env.of(tcb).congestion) {
    case CongestionControl::kDctcp:
    case CongestionControl::kNewReno: reno::timeout(tcb, flight, first); break;
    case CongestionControl::kCubic: cubic::timeout(tcb, flight, first, env); break;
    case CongestionControl::kBbr:
      if (BbrModel* model = model_of(tcb, env)) return bbr::timeout(tcb, *model);
      reno::timeout(tcb, flight, first);
      break;
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
    case CongestionControl::kBbr:
      if (BbrModel* model = model_of(tcb, env)) bbr::undo(tcb, *model);
      return;
  }
}

// A model that is not too old says more than the pause does.
void idle(Tcb& tcb, Env& env) noexcept {
  if (model_of(tcb, env) != nullptr) return;
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
  const std::uint16_t model = env.congestion[tcb.congestion].model;
  if (model != CongestionState::kNoModel) env.models.give(model);
  env.congestion.give(tcb.congestion);
  tcb.congestion = kNoCongestionState;
}

BbrModel* model_of(const Tcb& tcb, Env& env) noexcept {
  if (env.of(tcb).congestion != CongestionControl::kBbr) return nullptr;
  const CongestionState* state = state_of(tcb, env);
  return state == nullptr || state->model == CongestionState::kNoModel ? nullptr : &env.models[state->model];
}

BbrModel* need_model(Tcb& tcb, Env& env) noexcept {
  CongestionState* state = need_state(tcb, env);
  if (state == nullptr) return nullptr;
  if (state->model == CongestionState::kNoModel) {
    const std::uint32_t index = env.models.take();
    if (index == kNoIndex) {
      ++env.counters.congestion_blocks_exhausted;
      return nullptr;
    }
    state->model = static_cast<std::uint16_t>(index);
    bbr::begin(tcb, env.models[index]);
  }
  return &env.models[state->model];
}

void algorithm_changed(Tcb& tcb, Env& env) noexcept {
  CongestionState* state = state_of(tcb, env);
  if (state == nullptr || state->model == CongestionState::kNoModel) return;
  if (env.of(tcb).congestion == CongestionControl::kBbr) return;
  env.models.give(state->model);
  state->model = CongestionState::kNoModel;
  // BBR needs no ssthresh; its window is where the next algorithm begins.
  tcb.ssthresh = std::min(tcb.ssthresh, std::max(tcb.cwnd, 2 * smss(tcb)));
}

}  // namespace sluice::tcp::congestion
