// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/internal.h"

namespace sluice::tcp {

namespace {
constexpr std::uint32_t kChallengeIntervalMs = 500;
constexpr std::uint32_t kChallengeClockMask = (1U << 24U) - 1;
}  // namespace

// RFC 5961 sections 3.2, 4.2, 5.2. A limit shared by connections would tell an off-path attacker about
// those of others (CVE-2016-5696), so each has its own.
bool challenge_ack(Tcb& tcb, Env& env) noexcept {
  const std::uint32_t now_ms = env.now_ms() & kChallengeClockMask;
  const std::uint32_t last_ms = tcb.challenge_ms;
  if (last_ms != 0 && ((now_ms - last_ms) & kChallengeClockMask) < kChallengeIntervalMs) {
    ++env.counters.challenge_acks_limited;
    return false;
  }
  tcb.challenge_ms = (now_ms == 0 ? kChallengeClockMask : now_ms) & kChallengeClockMask;  // 0 means never
  ++env.counters.challenge_acks;
  send_ack(tcb, env);
  return true;
}

}  // namespace sluice::tcp
