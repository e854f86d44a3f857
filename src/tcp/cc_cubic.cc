// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/cc_cubic.h"

#include <algorithm>

#include "tcp/cc_hystart.h"
#include "tcp/cc_reno.h"
#include "tcp/sending.h"

namespace sluice::tcp::cubic {

namespace {

constexpr std::uint32_t kMaxK = (1U << 30U) - 1;  // ms: all that Curve::k_ms holds, and far more than K can be

// The largest integer whose cube is at most `x`.
std::uint32_t cube_root(std::uint64_t x) noexcept {
  std::uint64_t root = 0;
  for (int bit = 20; bit >= 0; --bit) {
    const std::uint64_t next = root | 1ULL << static_cast<unsigned>(bit);
    if (next * next * next <= x) root = next;
  }
  return static_cast<std::uint32_t>(root);
}

// RFC 9438 4.3: alpha_cubic = 3 (1 - beta) / (1 + beta) = 9/17 until w_est has reached cwnd_prior, then 1.
void grow_w_est(Cubic& cubic, std::uint32_t acked, std::uint32_t window, std::uint32_t smss) noexcept {
  const bool behind = cubic.now.w_est < cubic.now.cwnd_prior;
  const std::uint64_t counted = behind ? std::uint64_t{acked} * 9 / 17 : acked;
  cubic.est_credit += static_cast<std::uint32_t>(std::min<std::uint64_t>(counted, window));
  if (cubic.est_credit < window) return;
  cubic.est_credit -= window;
  cubic.now.w_est = std::min(cubic.now.w_est + smss, reno::kCwndMax);
}

// RFC 9438 4.2: K from where the window stands; after a timeout, or when no event set W_max above it (4.8, 4.10), the
// curve starts in its middle.
void begin_epoch(Cubic& cubic, const Tcb& tcb, std::uint32_t now_ms) noexcept {
  cubic.now.running = 1;
  cubic.now.epoch_ms = now_ms;
  cubic.now.w_est = tcb.cwnd;
  cubic.est_credit = 0;
  if (cubic.now.after_timeout != 0 || cubic.now.w_max <= tcb.cwnd) {
    cubic.now.w_max = tcb.cwnd;
    cubic.now.k_ms = 0;
  } else {
    cubic.now.k_ms = k_ms(cubic.now.w_max, tcb.cwnd, smss(tcb)) & kMaxK;
  }
  cubic.now.after_timeout = 0;
}

void avoid_congestion(Tcb& tcb, Cubic& cubic, const AckSample& sample, const Env& env) noexcept {
  const std::uint32_t now_ms = env.now_ms();
  const std::uint32_t segment = smss(tcb);
  if (sample.flight + segment < tcb.cwnd) {
    // RFC 9438 5.8: time in which the window was not used does not count.
    if (cubic.now.running != 0) cubic.now.epoch_ms += now_ms - cubic.used_ms;
    cubic.used_ms = now_ms;
    return;
  }
  if (cubic.now.running == 0) begin_epoch(cubic, tcb, now_ms);
  cubic.used_ms = now_ms;
  const std::uint32_t t_ms = now_ms - cubic.now.epoch_ms;
  const std::uint32_t acked = std::min(sample.acked, tcb.cwnd);
  grow_w_est(cubic, acked, reno::whole_segments(tcb.cwnd, segment), segment);
  if (w_cubic(t_ms, cubic.now.k_ms, cubic.now.w_max, segment) < cubic.now.w_est) {  // 4.3, the Reno-friendly region
    tcb.cwnd = std::max(tcb.cwnd, cubic.now.w_est);
    return;
  }
  // 4.4, 4.5: towards where the curve will be a round trip later, at most half as much again.
  const std::uint32_t rtt_ms = tcb.srtt_us8 / 8'000;
  const std::uint32_t curve = w_cubic(t_ms + rtt_ms, cubic.now.k_ms, cubic.now.w_max, segment);
  const std::uint32_t target = std::clamp(curve, tcb.cwnd, tcb.cwnd + tcb.cwnd / 2);
  const std::uint64_t step = std::uint64_t{acked} * (target - tcb.cwnd) / tcb.cwnd;
  tcb.cwnd = static_cast<std::uint32_t>(std::min<std::uint64_t>(tcb.cwnd + step, reno::kCwndMax));
}

// A congestion event: 4.6 and, with a window smaller than before the last one, fast convergence (4.7).
void reduce(Tcb& tcb, Cubic& cubic, std::uint32_t flight) noexcept {
  cubic.before = cubic.now;
  const bool shrinking = tcb.cwnd < cubic.now.w_max;
  cubic.now.w_max = shrinking ? static_cast<std::uint32_t>(std::uint64_t{tcb.cwnd} * 17 / 20) : tcb.cwnd;
  cubic.now.cwnd_prior = tcb.cwnd;
  cubic.now.running = 0;
  cubic.now.after_timeout = 0;
  const std::uint32_t used = std::min(flight, std::max(tcb.cwnd, smss(tcb)));
  tcb.ssthresh = std::max(beta_times(used), 2 * smss(tcb));
}

}  // namespace

std::uint32_t k_ms(std::uint32_t w_max, std::uint32_t cwnd_epoch, std::uint32_t smss) noexcept {
  // C = 0.4 segments/s^3: ((W_max - cwnd_epoch) / C)^(1/3) s, in ms cubed
  const std::uint64_t cubed = std::uint64_t{w_max - cwnd_epoch} * 2'500'000'000 / smss;
  return cube_root(cubed);
}

std::uint32_t w_cubic(std::uint32_t t_ms, std::uint32_t k_ms, std::uint32_t w_max, std::uint32_t smss) noexcept {
  constexpr std::uint32_t kFarMs = 400'000;  // beyond this the curve is above every window, and 64 bits end
  const bool below = t_ms < k_ms;
  const std::uint64_t d_ms = std::min(below ? k_ms - t_ms : t_ms - k_ms, kFarMs);
  const std::uint64_t delta = d_ms * d_ms * d_ms / 1000 * smss / 2'500'000;
  if (below) return delta < w_max ? w_max - static_cast<std::uint32_t>(delta) : 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(w_max + delta, reno::kCwndMax));
}

void acked(Tcb& tcb, const AckSample& sample, Env& env) noexcept {
  const bool slow_start = tcb.cwnd < tcb.ssthresh;
  if (slow_start && (tcb.ssthresh != kNoSsthresh || !reno::window_used(tcb, sample.flight))) {
    reno::acked(tcb, sample);
    return;
  }
  CongestionState* state = congestion::need_state(tcb, env);
  if (state == nullptr) [[unlikely]] {
    reno::acked(tcb, sample);
  } else if (slow_start) {
    hystart::acked(tcb, state->as_hystart(), sample, env.now_us());
  } else {
    avoid_congestion(tcb, state->as_cubic(), sample, env);
  }
}

void loss(Tcb& tcb, std::uint32_t flight, Env& env) noexcept {
  CongestionState* state = congestion::need_state(tcb, env);
  if (state == nullptr) [[unlikely]] return reno::loss(tcb, flight);
  reduce(tcb, state->as_cubic(), flight);
  tcb.cwnd = tcb.ssthresh;
}

// RFC 9438 4.8
void timeout(Tcb& tcb, std::uint32_t flight, bool first, Env& env) noexcept {
  CongestionState* state = congestion::need_state(tcb, env);
  if (state == nullptr) [[unlikely]] return reno::timeout(tcb, flight, first);
  Cubic& cubic = state->as_cubic();
  if (first) reduce(tcb, cubic, flight);
  cubic.now.after_timeout = 1;
  tcb.cwnd = smss(tcb);
}

void undo(Tcb& tcb, Env& env) noexcept {
  CongestionState* state = congestion::state_of(tcb, env);
  if (state == nullptr || state->part != CongestionPart::kCubic) return;
  Cubic& cubic = state->cubic;
  cubic.now = cubic.before;
  cubic.used_ms = env.now_ms();
  cubic.now.after_timeout = 0;
}

}  // namespace sluice::tcp::cubic
