// SPDX-License-Identifier: BSD-3-Clause
// Sections named are those of draft-cardwell-iccrg-bbr-congestion-control-00.
#include "tcp/cc_bbr.h"

#include <algorithm>
#include <utility>

#include "base/modular.h"
#include "tcp/cc_reno.h"
#include "tcp/pacing.h"
#include "tcp/sending.h"

namespace sluice::tcp::bbr {

namespace {

constexpr std::uint32_t kAnyRecovery = kInRecovery | kInRtoRecovery;
constexpr unsigned kCycle = 8;
constexpr std::uint16_t kCycleGains[kCycle] = {kUnit * 5 / 4, kUnit * 3 / 4, kUnit, kUnit, kUnit, kUnit, kUnit, kUnit};
constexpr std::uint8_t kFullBwRounds = 3;
constexpr std::uint32_t kQueueUs = 4'000;  // less is no queue but threads and drivers that were late

std::uint32_t times(std::uint32_t value, std::uint32_t gain) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{value} * gain / kUnit, UINT32_MAX));
}
std::uint32_t min_pipe(const Tcb& tcb) noexcept { return kMinPipeSegments * smss(tcb); }

void enter(BbrModel& b, BbrState state, std::uint16_t pacing_gain, std::uint16_t cwnd_gain) noexcept {
  b.state = state;
  b.pacing_gain = pacing_gain;
  b.cwnd_gain = cwnd_gain;
}
void forget_queue(BbrModel& b) noexcept {
  b.queue_is_long = false;
  b.recent_rtt_us = UINT32_MAX;
}
void enter_startup(BbrModel& b) noexcept {
  enter(b, BbrState::kStartup, kHighGain, kHighGain);
  forget_queue(b);
}

// --- 4.2.3.4, 4.2.3.5: what cwnd was, while recovery or PROBE_RTT have it ---

void save_cwnd(const Tcb& tcb, BbrModel& b) noexcept {
  const bool fresh = !b.recovering && b.state != BbrState::kProbeRtt;
  b.prior_cwnd = fresh ? tcb.cwnd : std::max(b.prior_cwnd, tcb.cwnd);
}
void restore_cwnd(Tcb& tcb, const BbrModel& b) noexcept { tcb.cwnd = std::max(tcb.cwnd, b.prior_cwnd); }

// --- 4.2.3.4: packet conservation ---

// From here on as much goes out as comes in.
void conserve(Tcb& tcb, BbrModel& b, const Env& env) noexcept {
  save_cwnd(tcb, b);
  b.packet_conservation = true;
  tcb.cwnd = pipe(tcb, env) + smss(tcb);
}

// The queue is long when it holds half of what the path does, or more: so say all round trips of a while, not one that was held up.
void judge_queue(BbrModel& b, std::uint32_t rtt_us, std::uint32_t now_us) noexcept {
  if (b.state != BbrState::kStartup || rtt_us == 0 || b.rt_prop_us == UINT32_MAX) return;
  if (b.recent_rtt_us == UINT32_MAX) b.since_us = now_us;
  b.recent_rtt_us = std::min(b.recent_rtt_us, rtt_us);
  if (now_us - b.since_us < std::max(b.rt_prop_us / 16, kQueueUs)) return;
  b.queue_is_long = b.recent_rtt_us >= std::uint64_t{b.rt_prop_us} + std::max(b.rt_prop_us / 2, kQueueUs);
  b.recent_rtt_us = UINT32_MAX;
}

// Deviation: in STARTUP a loss alone does not conserve packets, for where each window has losses that are no congestion it would
// double in every other one only (StartupGrowsThroughALoss); a loss behind a long queue does: it may have been overrun.
bool must_conserve(const BbrModel& b) noexcept { return b.state != BbrState::kStartup || b.queue_is_long; }

// The round that ends now had a quarter more than any before it.
bool bandwidth_grew(const BbrModel& b) noexcept {
  std::uint32_t before = 0;
  for (unsigned i = 0; i < BbrModel::kBwRounds; ++i) {
    if (i != b.round) before = std::max(before, b.round_bw[i]);
  }
  return b.round_bw[b.round] >= std::uint64_t{before} * 5 / 4;
}

// A round of STARTUP in recovery ends. Deviation: when packets were conserved in it, the queue is as long as before, and no
// more came than before, the pipe is full, without the rounds that show no growth (StartupEndsWhenItOverrunsTheQueue; version 3
// leaves STARTUP by losses as well). When more came, somebody else fills the queue, or the way back is long, and the next round grows.
void go_on_in_recovery(Tcb& tcb, BbrModel& b, bool conserved, const Env& env) noexcept {
  if (b.state != BbrState::kStartup || !b.recovering || !b.queue_is_long) return;
  if (!conserved) {
    conserve(tcb, b, env);
  } else if (!bandwidth_grew(b)) {
    b.filled_pipe = true;
  }
}

// --- 4.1.1: the bottleneck's bandwidth ---

void update_round(Tcb& tcb, BbrModel& b, const RateSample& rs, const Env& env) noexcept {
  b.round_start = rs.valid && !before(rs.prior_delivered, b.next_round_delivered);
  if (!b.round_start) return;
  b.next_round_delivered = b.delivery.delivered;
  go_on_in_recovery(tcb, b, std::exchange(b.packet_conservation, false), env);
  b.round = static_cast<std::uint8_t>((b.round + 1U) % BbrModel::kBwRounds);
  b.round_bw[b.round] = 0;
  b.peer_window_grows = tcb.max_snd_wnd > b.max_snd_wnd;
  b.max_snd_wnd = tcb.max_snd_wnd;
}

void update_btl_bw(BbrModel& b, const RateSample& rs) noexcept {
  if (rs.valid) {
    const pacing::Rate rate = pacing::rate_of(rs.delivered, rs.interval_us);
    if (!rs.limited || rate >= b.btl_bw) b.round_bw[b.round] = std::max(b.round_bw[b.round], rate);
  }
  const std::uint32_t highest = *std::max_element(std::begin(b.round_bw), std::end(b.round_bw));
  if (highest != 0) b.btl_bw = highest;  // ten rounds without any sample say nothing
}

// --- 4.3.4: PROBE_BW ---

void set_phase(BbrModel& b, unsigned index, const Env& env) noexcept {
  b.cycle_index = static_cast<std::uint8_t>(index % kCycle);
  b.since_us = env.now_us();
  b.pacing_gain = kCycleGains[b.cycle_index];
}

// In any phase but the one that drains; flows that began together do not probe together.
void enter_probe_bw(const Tcb& tcb, BbrModel& b, const Env& env) noexcept {
  enter(b, BbrState::kProbeBw, kUnit, kCwndGain);
  const std::uint32_t chance = (tcb.ts_offset ^ env.now_us()) * 0x9e3779b1U >> 16U;
  set_phase(b, 2 + chance % (kCycle - 1), env);
}

void check_cycle_phase(const Tcb& tcb, BbrModel& b, const AckSample& sample, std::uint32_t prior, const Env& env) noexcept {
  if (b.state != BbrState::kProbeBw) return;
  const bool full_length = env.now_us() - b.since_us > b.rt_prop_us;
  bool over = full_length;
  if (b.pacing_gain > kUnit) {
    over = full_length && (sample.lost != 0 || prior >= inflight(tcb, b, b.pacing_gain));
  } else if (b.pacing_gain < kUnit) {
    over = full_length || prior <= inflight(tcb, b, kUnit);
  }
  if (over) set_phase(b, b.cycle_index + 1U, env);
}

// --- 4.3.2, 4.3.3: STARTUP and DRAIN ---

// Deviation: what the window behind a hole limited tells, too, when more came while one segment was under way than the path
// holds. Then there is a queue, and the rate is the path's (StartupEndsAtAQueueBehindAHoleToo).
bool shows_queue(const BbrModel& b, const RateSample& rs) noexcept {
  if (!b.recovering) return false;
  const std::uint64_t held = pacing::bytes_in(b.btl_bw, b.rt_prop_us);
  return rs.delivered >= held * 5 / 4 && pacing::rate_of(rs.delivered, rs.interval_us) >= b.btl_bw / 4 * 3;
}

// Deviation: a round in which any sample tells is judged, not that alone in whose first one does (the same test).
void check_full_pipe(BbrModel& b, const RateSample& rs) noexcept {
  if (b.filled_pipe) return;
  const bool judged = b.round_start && b.round_tells;
  if (b.round_start) b.round_tells = false;
  if (rs.valid && (!rs.limited || shows_queue(b, rs))) b.round_tells = true;
  if (!judged) return;
  if (b.btl_bw >= std::uint64_t{b.full_bw} * 5 / 4) {
    b.full_bw = b.btl_bw;
    b.full_bw_count = 0;
    return;
  }
  b.filled_pipe = ++b.full_bw_count >= kFullBwRounds;
}

void check_drain(const Tcb& tcb, BbrModel& b, const Env& env) noexcept {
  if (b.state == BbrState::kStartup && b.filled_pipe) enter(b, BbrState::kDrain, kDrainGain, kCwndGain);
  if (b.state == BbrState::kDrain && pipe(tcb, env) <= inflight(tcb, b, kUnit)) enter_probe_bw(tcb, b, env);
}

// --- 4.1.2, 4.3.5: the round trip, and PROBE_RTT ---

void exit_probe_rtt(Tcb& tcb, BbrModel& b, const Env& env) noexcept {
  b.rt_prop_ms = env.now_ms();
  restore_cwnd(tcb, b);
  if (b.filled_pipe) {
    enter_probe_bw(tcb, b, env);
  } else {
    enter_startup(b);
  }
}

void handle_probe_rtt(Tcb& tcb, BbrModel& b, const Env& env) noexcept {
  const std::uint32_t in_network = pipe(tcb, env);
  delivery::limit(b.delivery, in_network);  // what is measured meanwhile is not the path's
  if (!b.probe_rtt_timed) {
    if (in_network > min_pipe(tcb)) return;
    b.probe_rtt_timed = true;
    b.probe_rtt_done_ms = env.now_ms() + kProbeRttMs;
    b.probe_rtt_round_done = false;
    b.next_round_delivered = b.delivery.delivered;
    return;
  }
  if (b.round_start) b.probe_rtt_round_done = true;
  if (b.probe_rtt_round_done && !before(env.now_ms(), b.probe_rtt_done_ms)) exit_probe_rtt(tcb, b, env);
}

void update_rt_prop(Tcb& tcb, BbrModel& b, const AckSample& sample, const Env& env) noexcept {
  const bool first = b.rt_prop_us == UINT32_MAX;
  const bool expired = !first && env.now_ms() - b.rt_prop_ms > kRtPropFilterMs;
  // Echoed timestamps are in milliseconds and may read low.
  if (sample.rtt_us != 0 && !sample.echoed && (sample.rtt_us <= b.rt_prop_us || expired)) {
    b.rt_prop_us = sample.rtt_us;
    b.rt_prop_ms = env.now_ms();
  }
  if (expired && !b.idle_restart && b.state != BbrState::kProbeRtt) {
    save_cwnd(tcb, b);
    enter(b, BbrState::kProbeRtt, kUnit, kUnit);
    b.probe_rtt_timed = false;
  }
  if (b.state == BbrState::kProbeRtt) handle_probe_rtt(tcb, b, env);
  if (sample.delivered != 0) b.idle_restart = false;
}

// --- 4.2: what is controlled ---

// A hundredth less than was measured, so that queues drain.
void set_pacing_rate(const Tcb& tcb, BbrModel& b) noexcept {
  if (b.btl_bw == 0) {  // 4.2.1: of the initial window
    constexpr std::uint32_t kUnknownRttUs = 1'000;
    b.pacing_rate = times(pacing::rate_of(tcb.cwnd, tcb.srtt_us8 == 0 ? kUnknownRttUs : tcb.srtt_us8 / 8), kHighGain);
    return;
  }
  const std::uint32_t rate = times(static_cast<std::uint32_t>(std::uint64_t{b.btl_bw} * 99 / 100), b.pacing_gain);
  if (b.filled_pipe || rate > b.pacing_rate) b.pacing_rate = rate;
}

// 4.2.3.4: for one round trip as much goes out as comes in.
void modulate_for_recovery(Tcb& tcb, const BbrModel& b, const AckSample& sample, const Env& env) noexcept {
  if (!b.recovering) return;
  if (sample.lost != 0) tcb.cwnd = std::max(tcb.cwnd - std::min(tcb.cwnd, sample.lost), smss(tcb));
  if (b.packet_conservation) tcb.cwnd = std::max(tcb.cwnd, pipe(tcb, env) + sample.delivered);
}

void set_cwnd(Tcb& tcb, const BbrModel& b, const AckSample& sample, const Env& env) noexcept {
  modulate_for_recovery(tcb, b, sample, env);
  if (!b.packet_conservation) {
    const std::uint32_t target = inflight(tcb, b, b.cwnd_gain);
    const std::uint64_t grown = std::uint64_t{tcb.cwnd} + sample.delivered;
    std::uint64_t cwnd = tcb.cwnd;
    if (b.filled_pipe) {
      cwnd = std::min<std::uint64_t>(grown, target);
    } else if (tcb.cwnd < target || b.delivery.delivered < congestion::initial_window(smss(tcb))) {
      cwnd = grown;
    }
    tcb.cwnd = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(cwnd, min_pipe(tcb), reno::kCwndMax));
  }
  if (b.state == BbrState::kProbeRtt) tcb.cwnd = std::min(tcb.cwnd, min_pipe(tcb));
}

// --- 4.3.2: what is not the path's limit ---

// Deviation: a full window of the peer limits STARTUP as an application does, while it may be expected to grow: behind a
// hole, and as long as it grew in the last round. One that stays is as much of the path's limit as can be known.
bool waits_for_window(const Tcb& tcb, const BbrModel& b) noexcept {
  return !b.filled_pipe && (b.recovering || b.peer_window_grows) && window_left(tcb) < smss(tcb);
}

}  // namespace

std::uint32_t inflight(const Tcb& tcb, const BbrModel& b, std::uint32_t gain) noexcept {
  if (b.btl_bw == 0 || b.rt_prop_us == UINT32_MAX) return congestion::initial_window(smss(tcb));
  const auto bdp = static_cast<std::uint32_t>(std::min<std::uint64_t>(pacing::bytes_in(b.btl_bw, b.rt_prop_us), reno::kCwndMax));
  std::uint64_t bytes = std::uint64_t{bdp} * gain / kUnit + 3 * std::uint64_t{pacing::quantum(b.pacing_rate, smss(tcb))};
  // On a path of a few segments a quarter more would round to nothing more, and no growth would ever be seen.
  if (b.state == BbrState::kProbeBw && b.cycle_index == 0) bytes += 2 * smss(tcb);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, reno::kCwndMax));
}

void begin(const Tcb& tcb, BbrModel& b) noexcept {
  enter_startup(b);
  set_pacing_rate(tcb, b);
}

// 4.3.4.4: after a pause at the rate that was measured, not at a probing one, and without PROBE_RTT: the pause was one.
void before_send(Tcb& tcb, BbrModel& b, bool unused, const Env& env) noexcept {
  if (b.btl_bw == 0) set_pacing_rate(tcb, b);
  const std::uint32_t in_network = pipe(tcb, env);
  if (b.sent_all && unused && in_network + smss(tcb) <= tcb.cwnd) delivery::limit(b.delivery, in_network);
  if (in_flight(tcb) != 0 || !b.delivery.limited) return;
  b.idle_restart = true;
  if (b.state == BbrState::kProbeBw) b.pacing_rate = b.btl_bw;
  if (b.state == BbrState::kProbeRtt && b.probe_rtt_timed && !before(env.now_ms(), b.probe_rtt_done_ms)) {
    exit_probe_rtt(tcb, b, env);
  }
}

void after_send(const Tcb& tcb, BbrModel& b, std::uint32_t bytes, std::uint32_t flight, const Env& env) noexcept {
  b.sent_all = (unsent(tcb) == 0 || waits_for_window(tcb, b)) && pipe(tcb, env) + smss(tcb) <= tcb.cwnd;
  if (bytes == 0) return;
  delivery::sent(b.delivery, env.now_us(), tcb.srtt_us8 / 8 / DeliveryRate::kSlots, flight == 0);
}

void acked(Tcb& tcb, BbrModel& b, const AckSample& sample, Env& env) noexcept {
  // One that ended without a word, or with repairs under way.
  if (b.recovering && (tcb.flags & kAnyRecovery) == 0 && !tcb.snd_una.before(b.recovery_end)) recovered(tcb, b, env);
  const RateSample rs = delivery::acked(b.delivery, sample, env.now_us(), b.rt_prop_us == UINT32_MAX ? 0 : b.rt_prop_us);
  judge_queue(b, sample.rtt_us, env.now_us());
  update_round(tcb, b, rs, env);
  update_btl_bw(b, rs);
  check_cycle_phase(tcb, b, sample, pipe(tcb, env) + sample.delivered + sample.lost, env);
  check_full_pipe(b, rs);
  check_drain(tcb, b, env);
  update_rt_prop(tcb, b, sample, env);
  set_pacing_rate(tcb, b);
  set_cwnd(tcb, b, sample, env);
}

// 4.2.3.4; the new round trip begins here.
void loss(Tcb& tcb, BbrModel& b, Env& env) noexcept {
  save_cwnd(tcb, b);
  b.recovery_end = tcb.snd_una;
  if (b.recovering) return;  // the one before has not ended
  b.recovering = true;
  b.packet_conservation = false;
  if (!must_conserve(b)) return;
  b.next_round_delivered = b.delivery.delivered;
  conserve(tcb, b, env);
}

// While something that was sent again is under way the next recovery follows at once, where losses are no congestion; were
// each to begin with a round trip of conservation, the rate could rise in every other one only.
void recovered(Tcb& tcb, BbrModel& b, Env& env) noexcept {
  b.packet_conservation = false;
  SendMap* map = map_of(tcb, env);
  const std::uint32_t ever_us = env.now_us() - INT32_MAX;
  if (map != nullptr && (map->lost != 0 || open(tcb, *map, env).awaits_resent(ever_us))) {
    b.recovery_end = tcb.snd_nxt;
    return;
  }
  b.recovering = false;
  restore_cwnd(tcb, b);
}

void timeout(Tcb& tcb, BbrModel& b) noexcept {
  save_cwnd(tcb, b);
  b.recovering = true;
  b.recovery_end = tcb.snd_una;
  b.packet_conservation = false;
  forget_queue(b);
  b.full_bw = 0;  // rounds in which nothing arrived do not count as rounds without growth
  b.full_bw_count = 0;
  tcb.cwnd = smss(tcb);
}

void undo(Tcb& tcb, BbrModel& b) noexcept {
  if (b.recovering) restore_cwnd(tcb, b);
  b.recovering = b.packet_conservation = false;
  b.full_bw = 0;
  b.full_bw_count = 0;
}

}  // namespace sluice::tcp::bbr
