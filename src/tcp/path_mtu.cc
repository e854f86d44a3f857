// SPDX-License-Identifier: BSD-3-Clause
// The path takes less than was thought: told by ICMP (RFC 1191, 8201), or guessed from silence (RFC 4821, 8899).
#include "tcp/options.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {
// RFC 4821 7.2 for IPv4: what nearly every path takes; then half of it, and again.
constexpr std::uint16_t kBaseMssV4 = 1024;
constexpr std::uint16_t kLeastMssV4 = 256;
// RFC 8200 5: every IPv6 path takes 1280 bytes.
constexpr std::uint16_t kLeastMssV6 = 1220;
}  // namespace

std::uint16_t black_hole_mss(const Tcb& tcb) noexcept {
  if (syn_unacked(tcb) || in_flight(tcb) == 0) return 0;
  std::uint16_t next = kLeastMssV6;
  if (tcb.flow.remote.is_v4()) {
    next = tcb.mss > kBaseMssV4 ? kBaseMssV4 : std::max<std::uint16_t>(tcb.mss / 2, kLeastMssV4);
  }
  const std::uint32_t options = tcb.mss - smss(tcb);
  const std::uint32_t largest = std::min(in_flight(tcb), smss(tcb)) + options;
  return largest > next ? next : std::uint16_t{0};
}

void lower_mss(Tcb& tcb, std::uint16_t mss, Env& env) noexcept {
  const std::uint32_t before = smss(tcb);
  tcb.mss = std::max<std::uint16_t>(mss, kMinMss);
  if (syn_unacked(tcb) || (tcb.flags & kPersist) != 0) return;
  // What was sent larger than the path takes did not arrive; that is no sign of congestion (RFC 1191 6.4).
  if (std::min(in_flight(tcb), before) <= smss(tcb)) return;
  retransmit_all(tcb, env);
  restart_rexmt(tcb, env);
}

}  // namespace sluice::tcp
