// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/cc_dctcp.h"

#include <algorithm>

#include "tcp/sending.h"

namespace sluice::tcp::dctcp {

void observe(const Tcb& tcb, Dctcp& d, std::uint32_t acked, bool echo) noexcept {
  constexpr unsigned kShiftG = 4;  // g = 1/16
  if (!d.begun) {
    d.begun = true;
    d.window_end = tcb.snd_nxt;
  }
  d.bytes_acked += acked;
  if (echo) d.bytes_marked += acked;
  if (tcb.snd_una.before(d.window_end) || d.bytes_acked == 0) return;
  // alpha = alpha * (1 - g) + g * M
  const auto m = static_cast<std::uint32_t>((std::uint64_t{d.bytes_marked} << kAlphaShift) / d.bytes_acked);
  d.alpha = d.alpha - (d.alpha >> kShiftG) + (m >> kShiftG);
  d.bytes_acked = d.bytes_marked = 0;
  d.window_end = tcb.snd_nxt;
}

// cwnd = cwnd * (1 - alpha / 2)
void reduce(Tcb& tcb, const Dctcp& d) noexcept {
  const auto less = static_cast<std::uint32_t>(std::uint64_t{tcb.cwnd} * d.alpha >> (kAlphaShift + 1));
  tcb.ssthresh = std::max(tcb.cwnd - less, 2 * smss(tcb));
  tcb.cwnd = tcb.ssthresh;
}

}  // namespace sluice::tcp::dctcp
