// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/pacing.h"

#include "tcp/sending.h"

namespace sluice::tcp::pacing {

namespace {

constexpr std::uint32_t kQuantumUs = 2 * kTickNs / 1000;
constexpr std::uint32_t kSecondUs = 1'000'000;
constexpr std::uint32_t kUnknownRttUs = 1'000;  // before the first sample

// Faster than the window by as much as it grows in a round trip, or pacing would hold that growth back: twice in slow
// start, a fifth more afterwards.
Rate window_rate(const Tcb& tcb) noexcept {
  const std::uint64_t bytes = std::max(tcb.cwnd, smss(tcb));
  const std::uint32_t rtt_us = tcb.srtt_us8 == 0 ? kUnknownRttUs : tcb.srtt_us8 / 8;
  return tcb.cwnd < tcb.ssthresh ? rate_of(bytes * 2, rtt_us) : rate_of(bytes * 6, rtt_us * 5);
}

}  // namespace

std::uint32_t quantum(Rate rate, std::uint32_t smss) noexcept {
  return std::max(static_cast<std::uint32_t>(bytes_in(rate, kQuantumUs)), smss);
}

std::int32_t filled(std::int32_t credit, std::uint32_t elapsed_us, Rate rate, std::uint32_t smss) noexcept {
  const auto most = static_cast<std::int32_t>(depth(rate, smss));
  if (credit >= most) return credit;
  const std::uint64_t more = bytes_in(rate, elapsed_us);
  const auto room = static_cast<std::uint32_t>(most - credit);
  return more >= room ? most : credit + static_cast<std::int32_t>(more);
}

Rate rate(const Tcb& tcb, Env& env) noexcept {
  const BbrModel* model = congestion::model_of(tcb, env);
  return std::max(model != nullptr ? model->pacing_rate : window_rate(tcb), rate_of(smss(tcb), kSecondUs));
}

std::uint32_t budget(Tcb& tcb, Env& env) noexcept {
  CongestionState* state = congestion::need_state(tcb, env);
  if (state == nullptr) [[unlikely]] return UINT32_MAX;
  const std::uint32_t now_us = env.now_us();
  if (state->credit == CongestionState::kFreshCredit) {
    state->credit = static_cast<std::int32_t>(congestion::initial_window(smss(tcb)));
  } else {
    state->credit = filled(state->credit, now_us - state->credit_us, rate(tcb, env), smss(tcb));
  }
  state->credit_us = now_us;
  return static_cast<std::uint32_t>(std::max(state->credit, 0));
}

void charge(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept {
  if (CongestionState* state = congestion::state_of(tcb, env)) state->credit -= static_cast<std::int32_t>(bytes);
}

void wait_for(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept {
  const CongestionState* state = congestion::state_of(tcb, env);
  if (state == nullptr) return;
  const Rate rate_now = rate(tcb, env);
  const auto need = static_cast<std::int32_t>(std::min(bytes, quantum(rate_now, smss(tcb))));
  const std::uint32_t lack = need > state->credit ? static_cast<std::uint32_t>(need - state->credit) : 0;
  const Tick release = after_us(env, us_for(rate_now, lack));
  if (!tcb.t_delack.armed() || release.before(tcb.t_delack)) tcb.t_delack = release;
}

}  // namespace sluice::tcp::pacing
