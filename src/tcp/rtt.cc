// SPDX-License-Identifier: BSD-3-Clause
// Round-trip time and RTO: RFC 6298 in integers, SRTT kept times 8 and RTTVAR times 4
// so that its alpha and beta are shifts.
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {
// While there is no sample (srtt_us8 is 0), rttvar_us4 tells how the SYN fared.
constexpr std::uint32_t kSynWasLost = 1;
}  // namespace

// RFC 6298 2.2, 2.3
void rtt_sample(Tcb& tcb, std::uint32_t rtt_us) noexcept {
  rtt_us = std::clamp(rtt_us, 1U, kRtoMaxUs);
  if (tcb.srtt_us8 == 0) {
    tcb.srtt_us8 = rtt_us * 8;
    tcb.rttvar_us4 = rtt_us * 2;
    return;
  }
  const std::uint32_t srtt_us = tcb.srtt_us8 / 8;
  const std::uint32_t deviation_us = srtt_us > rtt_us ? srtt_us - rtt_us : rtt_us - srtt_us;
  tcb.rttvar_us4 = tcb.rttvar_us4 - tcb.rttvar_us4 / 4 + deviation_us;
  tcb.srtt_us8 = tcb.srtt_us8 - srtt_us + rtt_us;
}

std::uint32_t echoed_rtt_us(const Tcb& tcb, std::uint32_t tsecr, const Env& env) noexcept {
  const std::uint32_t rtt_ms = env.now_ms() + tcb.ts_offset - tsecr;
  if (rtt_ms > kRtoMaxUs / 1000) return 0;  // never sent, or so long ago that it says nothing
  return std::max(rtt_ms, 1U) * 1000;
}

void rtt_syn_lost(Tcb& tcb) noexcept {
  if (tcb.srtt_us8 == 0) tcb.rttvar_us4 = kSynWasLost;
}

// RFC 6298 2.1, 2.3-2.5. Deviation: its lower bound of a second is one of 200 ms beyond SRTT, as Linux's: a queue as long as
// the path's product doubles the round trip within two, before SRTT has heard of it (RtoLeavesRoomForAQueueThatFills).
std::uint32_t base_rto_us(const Tcb& tcb) noexcept {
  if (tcb.srtt_us8 == 0) return tcb.rttvar_us4 == kSynWasLost ? kRtoSynLostUs : kRtoInitialUs;
  return std::min(tcb.srtt_us8 / 8 + std::max(kRtoMarginUs, tcb.rttvar_us4), kRtoMaxUs);
}

std::uint32_t backed_off_us(std::uint32_t base_us, unsigned doublings, std::uint32_t max_us) noexcept {
  const std::uint64_t us = static_cast<std::uint64_t>(base_us) << std::min(doublings, 20U);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(us, max_us));
}

std::uint32_t rto_us(const Tcb& tcb) noexcept {
  const unsigned doublings = (tcb.flags & kPersist) != 0 ? 0U : tcb.backoff;
  return backed_off_us(base_rto_us(tcb), doublings, kRtoMaxUs);
}

}  // namespace sluice::tcp
