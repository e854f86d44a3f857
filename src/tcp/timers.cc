// SPDX-License-Identifier: BSD-3-Clause
// Time-outs (RFC 9293 3.10.8, 3.8.3, 3.8.4, 3.8.6.1; RFC 6298 5; RFC 5482). Three
// deadlines a connection: t_rexmt (retransmission, or zero-window probe), t_delack, and
// t_long (keepalive, FIN_WAIT_2, 2MSL). Arming one is a store: the stack's wheel
// holds the earliest of a while ago, fires, and is armed anew at next_deadline().
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr std::int64_t kDelayedAckUs = 40'000;
constexpr std::int64_t kFinWait2Us = 60'000'000;
constexpr std::uint32_t kModelRestUs = 10'000'000;   // as long as BBR believes a round trip (RTpropFilterLen)
constexpr std::uint32_t kProbeMaxUs = 60'000'000;    // between zero-window probes
constexpr unsigned kR1 = 3;                          // retransmissions (RFC 9293 3.8.3)
// R2: with the least RTO the 15th retransmission is given up after 924 s, a SYN's 7th after 247 s.
constexpr unsigned kR2 = 15;
constexpr unsigned kR2Syn = 7;
constexpr unsigned kBackoffMax = 31;                 // five bits
constexpr unsigned kMaxKeepaliveProbes = 127;        // seven bits
constexpr unsigned kR2Probes = 15;                   // in a row without any answer

// How long it takes `timeouts` time-outs in a row to pass.
std::int64_t row_us(std::uint32_t base_us, unsigned first, unsigned timeouts, std::uint32_t max_us) noexcept {
  std::int64_t us = 0;
  for (unsigned i = first; i < first + timeouts; ++i) us += backed_off_us(base_us, i, max_us);
  return us;
}

bool user_timeout_over(std::int64_t waited_us, const Params& params) noexcept {
  return params.user_timeout_ms != 0 && waited_us >= std::int64_t{params.user_timeout_ms} * 1000;
}

// The back-off has grown: the next time-out, and at the latest the user's.
void restart_backed_off(Tcb& tcb, Env& env) noexcept {
  std::int64_t us = rto_us(tcb);
  const std::int64_t user_us = std::int64_t{env.of(tcb).user_timeout_ms} * 1000;
  if (user_us != 0) {
    const std::int64_t waited_us = row_us(base_rto_us(tcb), 0, tcb.backoff, kRtoMaxUs);
    us = std::clamp<std::int64_t>(user_us - waited_us, 1000, us);
  }
  tcb.t_rexmt = after_us(env, us);
}

void on_syn_timeout(Tcb& tcb, bool give_up, Env& env) noexcept {
  if (give_up || tcb.backoff >= kR2Syn) {
    finish(tcb, Errc::kTimedOut, env);
    return;
  }
  ++tcb.backoff;
  send_syn(tcb, env);
  restart_backed_off(tcb, env);
}

void leave_persist(Tcb& tcb, Env& env) noexcept {
  tcb.flags &= ~kPersist;
  tcb.backoff = 0;
  tcb.keepalive_probes = 0;
  tcb.t_rexmt = Tick{};
  if (in_flight(tcb) == 0) return;
  retransmit_all(tcb, env);
  restart_rexmt(tcb, env);
}

void on_persist_timeout(Tcb& tcb, Env& env) noexcept {
  const unsigned unanswered = tcb.keepalive_probes;
  const unsigned first = tcb.backoff > unanswered ? tcb.backoff - unanswered : 0;
  const std::int64_t waited_us = row_us(base_rto_us(tcb), first, unanswered, kProbeMaxUs);
  if (unanswered >= kR2Probes || (unanswered != 0 && user_timeout_over(waited_us, env.of(tcb)))) {
    finish(tcb, Errc::kTimedOut, env);
    return;
  }
  if (snd_wnd_bytes(tcb) != 0 && in_flight(tcb) != 0) {  // as below, for what the window was shut over
    leave_persist(tcb, env);
    return;
  }
  const bool silly = snd_wnd_bytes(tcb) != 0;
  send_probe(tcb, env);
  if (silly) {  // RFC 9293 3.8.6.2.1 (4): the override timer; what left is within the window
    tcb.flags &= ~kPersist;
    tcb.backoff = 0;
    restart_rexmt(tcb, env);
    return;
  }
  ++tcb.keepalive_probes;
  if (tcb.backoff < kBackoffMax) ++tcb.backoff;
  tcb.t_rexmt = after_us(env, backed_off_us(base_rto_us(tcb), tcb.backoff, kProbeMaxUs));
}

// RFC 6298 5.4-5.7, RFC 5681 3.1
void on_rexmt_timeout(Tcb& tcb, Env& env) noexcept {
  tcb.t_rexmt = Tick{};
  if (in_flight(tcb) == 0) return;
  ++env.counters.rto_timeouts;
  const bool give_up = user_timeout_over(row_us(base_rto_us(tcb), 0, tcb.backoff + 1U, kRtoMaxUs), env.of(tcb));
  if (syn_unacked(tcb)) {
    on_syn_timeout(tcb, give_up, env);
    return;
  }
  if (give_up || tcb.backoff >= kR2) {
    finish(tcb, Errc::kTimedOut, env);
    return;
  }
  before_timeout(tcb, env);
  congestion::timeout(tcb, in_flight(tcb), tcb.backoff == 0, env);
  if (snd_wnd_bytes(tcb) == 0) {
    // RFC 9293 3.8.6: the window shrank to nothing over what is outstanding; retransmissions turn into
    // probes, and end_persist() sends it all again.
    start_persist(tcb, env);
    on_persist_timeout(tcb, env);
    return;
  }
  ++tcb.backoff;
  if (tcb.backoff >= kR1) env.events |= kEventR1;
  retransmit_overdue(tcb, env);
  restart_backed_off(tcb, env);
}

// RFC 9293 3.8.4
void on_keepalive_timeout(Tcb& tcb, Env& env) noexcept {
  const Params& params = env.of(tcb);
  tcb.t_long = Tick{};
  if (!params.keepalive) return;
  if (in_flight(tcb) != 0 || (tcb.flags & kPersist) != 0) {  // another timer asks the peer already
    restart_keepalive(tcb, env);
    return;
  }
  if (params.idle_ends) {
    restart_keepalive(tcb, env);
    if ((tcb.flags & kAppClosed) == 0) env.events |= kEventIdle;
    return;
  }
  // A user timeout counts instead of the probes, as in Linux: time since the peer was heard, looked at with each probe.
  const std::int64_t silent_us = (params.keepidle_ms + std::int64_t{params.keepintvl_ms} * tcb.keepalive_probes) * 1000;
  const bool over = params.user_timeout_ms == 0 ? tcb.keepalive_probes >= params.keepcnt
                                                : tcb.keepalive_probes != 0 && user_timeout_over(silent_us, params);
  if (over || tcb.keepalive_probes == kMaxKeepaliveProbes) {
    send_reset(tcb, env);
    finish(tcb, Errc::kTimedOut, env);
    return;
  }
  send_keepalive(tcb, env);
  ++tcb.keepalive_probes;
  tcb.t_long = after_us(env, std::int64_t{params.keepintvl_ms} * 1000);
}

bool in_closed_fin_wait_2(const Tcb& tcb) noexcept {
  return tcb.state == State::kFinWait2 && (tcb.flags & kAppClosed) != 0;
}

void on_long_timeout(Tcb& tcb, Env& env) noexcept {
  if (tcb.state == State::kTimeWait || in_closed_fin_wait_2(tcb)) {
    finish(tcb, Errc::kOk, env);
  } else {
    on_keepalive_timeout(tcb, env);
  }
}

void on_delayed_ack_timeout(Tcb& tcb, Env& env) noexcept {
  tcb.t_delack = Tick{};
  if ((tcb.flags & kAckDelayed) != 0) {
    tcb.flags |= kAckNow;
    ++env.counters.delayed_acks;
  }
  offer_room(tcb, env);
}

}  // namespace

void on_timer(Tcb& tcb, Env& env) noexcept {
  if (is_due(tcb.t_delack, env)) on_delayed_ack_timeout(tcb, env);
  if (is_due(tcb.t_rexmt, env)) {
    if ((tcb.flags & kPersist) != 0) {
      on_persist_timeout(tcb, env);
    } else if ((tcb.flags & kPto) != 0) {
      on_probe_timeout(tcb, env);
    } else if ((tcb.flags & kReoTimer) != 0) {
      on_reorder_timeout(tcb, env);
    } else {
      on_rexmt_timeout(tcb, env);
    }
  }
  if (tcb.state != State::kClosed && is_due(tcb.t_long, env)) on_long_timeout(tcb, env);
}

Tick next_deadline(const Tcb& tcb) noexcept {
  Tick earliest;
  for (const Tick deadline : {tcb.t_rexmt, tcb.t_delack, tcb.t_long}) {
    if (deadline.armed() && (!earliest.armed() || deadline.before(earliest))) earliest = deadline;
  }
  return earliest;
}

Tick rest(Tcb& tcb, Env& env) noexcept {
  if (tcb.congestion == kNoCongestionState || in_flight(tcb) != 0 || tcb.snd_queued != 0) return Tick{};
  const std::uint32_t quiet_us = env.now_us() - tcb.sent_us;
  const bool has_model = env.congestion[tcb.congestion].model != CongestionState::kNoModel;
  const std::uint32_t enough_us = has_model ? kModelRestUs : base_rto_us(tcb);
  if (quiet_us <= enough_us) return after_us(env, enough_us - quiet_us + 1);
  congestion::drop_state(tcb, env);
  return Tick{};
}

void restart_rexmt(Tcb& tcb, Env& env) noexcept {
  tcb.flags &= ~(kPto | kReoTimer);
  const std::uint32_t rto = rto_us(tcb);
  const std::uint32_t pto = probe_timeout_us(tcb, rto, env);
  if (pto != 0) tcb.flags |= kPto;
  tcb.t_rexmt = after_us(env, pto != 0 ? pto : rto);
}

void restart_keepalive(Tcb& tcb, Env& env) noexcept {
  const Params& params = env.of(tcb);
  if (!params.keepalive || in_closed_fin_wait_2(tcb)) return;
  tcb.t_long = after_us(env, std::int64_t{params.keepidle_ms} * 1000);
  if ((tcb.flags & kPersist) == 0) tcb.keepalive_probes = 0;  // else it counts those of the window
}

void start_time_wait(Tcb& tcb, Env& env) noexcept {
  tcb.t_delack = Tick{};
  stop_rexmt(tcb);
  tcb.flags &= ~(kPersist | kAckDelayed | kAckSecond);
  tcb.t_long = after_us(env, std::int64_t{env.of(tcb).msl_ms} * 2000);
}

void start_fin_wait_2(Tcb& tcb, Env& env) noexcept { tcb.t_long = after_us(env, kFinWait2Us); }

void acknowledge_later(Tcb& tcb, Env& env) noexcept {
  if (tcb.quickacks != 0 || (tcb.flags & kAckSecond) != 0) {
    tcb.flags |= kAckNow;
    return;
  }
  tcb.flags |= kAckSecond | kAckDelayed;
  // It may be armed for who waits for a buffer, whom a stream of arrivals must not put off.
  const Tick at = after_us(env, kDelayedAckUs);
  if (!tcb.t_delack.armed() || at.before(tcb.t_delack)) tcb.t_delack = at;
}

std::uint32_t window_left(const Tcb& tcb) noexcept {
  const std::uint32_t wnd = snd_wnd_bytes(tcb);
  const std::uint32_t used = in_flight(tcb);
  return wnd > used ? wnd - used : 0;
}

bool must_probe(const Tcb& tcb) noexcept {
  if (in_flight(tcb) != 0 || tcb.t_rexmt.armed()) return false;
  const std::uint32_t waiting = unsent(tcb) + (fin_pending(tcb) ? 1U : 0U);
  return window_left(tcb) < std::min(waiting, smss(tcb));
}

void start_persist(Tcb& tcb, Env& env) noexcept {
  tcb.flags = (tcb.flags & ~(kPto | kReoTimer)) | kPersist;
  tcb.backoff = 0;
  tcb.keepalive_probes = 0;
  tcb.t_rexmt = after_us(env, backed_off_us(base_rto_us(tcb), 0, kProbeMaxUs));
}

void end_persist(Tcb& tcb, Env& env) noexcept {
  const std::uint32_t wnd = snd_wnd_bytes(tcb);
  const std::uint32_t max_wnd = std::uint32_t{tcb.max_snd_wnd} << tcb.snd_wscale;
  const std::uint32_t waiting = in_flight(tcb) + unsent(tcb) + (fin_pending(tcb) ? 1U : 0U);
  if (waiting == 0 || wnd >= std::min(waiting, smss(tcb)) || (wnd != 0 && wnd >= max_wnd / 2)) {
    leave_persist(tcb, env);
    return;
  }
  if (wnd == 0 || tcb.backoff == 0) return;
  // RFC 9293 3.8.6.2.1 (4): little as it is, it is used when the override timer fires, soon and not when the next probe was due.
  tcb.backoff = 0;
  const Tick soon = after_us(env, base_rto_us(tcb));
  if (soon.before(tcb.t_rexmt)) tcb.t_rexmt = soon;
}

}  // namespace sluice::tcp
