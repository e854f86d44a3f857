// SPDX-License-Identifier: BSD-3-Clause
// What we announce: RFC 9293 3.8.6, RFC 7323 2.
#include <algorithm>

#include "tcp/options.h"

namespace sluice::tcp {

namespace {

constexpr std::uint32_t kMaxWindowField = 65'535;

// What is left of the announced window.
std::uint32_t announced(const Tcb& tcb) noexcept {
  const SeqNum edge = right_edge(tcb);
  return edge.before(tcb.rcv_nxt) ? 0 : edge - tcb.rcv_nxt;
}

std::uint32_t room(const Tcb& tcb, const Env& env) noexcept {
  const std::uint32_t rcvbuf = env.of(tcb).rcvbuf;
  return rcvbuf > tcb.rcv_queued ? rcvbuf - tcb.rcv_queued : 0;
}

// The room as the header can say it.
std::uint32_t expressible(const Tcb& tcb, std::uint32_t bytes) noexcept {
  return std::min(bytes >> tcb.rcv_wscale, kMaxWindowField) << tcb.rcv_wscale;
}

// RFC 9293 3.8.6.2.2: smaller steps would be silly windows.
std::uint32_t least_step(const Tcb& tcb, const Env& env) noexcept {
  return std::max(1U, std::min<std::uint32_t>(tcb.mss, env.of(tcb).rcvbuf / 2));
}

}  // namespace

std::uint8_t window_shift(std::uint32_t rcvbuf) noexcept {
  std::uint8_t shift = 0;
  while (shift < kMaxWindowShift && (rcvbuf >> shift) > kMaxWindowField) ++shift;
  return shift;
}

std::uint16_t syn_window(std::uint32_t rcvbuf, std::uint8_t shift) noexcept {
  return static_cast<std::uint16_t>((std::min(rcvbuf, kMaxWindowField) >> shift) << shift);
}

std::uint32_t receive_window(const Tcb& tcb, const Env& env) noexcept {
  const std::uint32_t current = announced(tcb);
  const std::uint32_t fresh = expressible(tcb, room(tcb, env));
  if (fresh >= current + least_step(tcb, env)) return fresh;
  // The old right edge stays. Where the shift cannot express it exactly it is rounded up, as RFC 7323 2.4 wants,
  // and the buffer may be exceeded so by an eighth; only streams of tiny segments reach that, and then see
  // the edge go back by less than one unit of the shift. Pinned by TinySegmentsCloseTheWindow.
  const std::uint32_t unit = 1U << tcb.rcv_wscale;
  const std::uint32_t up = (current + (unit - 1)) & ~(unit - 1);
  const std::uint32_t rcvbuf = env.of(tcb).rcvbuf;
  if (std::uint64_t{tcb.rcv_queued} + up <= std::uint64_t{rcvbuf} + rcvbuf / 8) {
    return std::min(up, kMaxWindowField << tcb.rcv_wscale);
  }
  return expressible(tcb, current);
}

std::uint16_t announce_window(Tcb& tcb, bool syn, Env& env) noexcept {
  std::uint16_t field = 0;
  if (syn) {
    field = syn_window(room(tcb, env), tcb.rcv_wscale);
    tcb.rcv_wnd = static_cast<std::uint16_t>(field >> tcb.rcv_wscale);
  } else {
    field = tcb.rcv_wnd = static_cast<std::uint16_t>(receive_window(tcb, env) >> tcb.rcv_wscale);
  }
  tcb.last_ack_sent = tcb.rcv_nxt;
  return field;
}

bool window_update_due(const Tcb& tcb, const Env& env) noexcept {
  // Also at least a doubling: while the peer has much left, the next acknowledgment tells it in time.
  const std::uint32_t current = announced(tcb);
  return expressible(tcb, room(tcb, env)) >= current + std::max(current, least_step(tcb, env));
}

std::uint32_t rcv_wnd_bytes(const Tcb& tcb) noexcept { return announced(tcb); }

}  // namespace sluice::tcp
