// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/cc_reno.h"

#include <algorithm>
#include <bit>

#include "tcp/sending.h"

namespace sluice::tcp::reno {

namespace {
void set_cwnd(Tcb& tcb, std::uint64_t bytes) noexcept {
  tcb.cwnd = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kCwndMax));
}
// RFC 5681 (4)
std::uint32_t half_of(std::uint32_t flight, std::uint32_t smss) noexcept { return std::max(flight / 2, 2 * smss); }
// RFC 3465 2.2, 2.3: by bytes, at most L segments an ACK: two when a threshold is known, and one after a timeout.
std::uint32_t slow_start_growth(const Tcb& tcb, const AckSample& sample, std::uint32_t smss) noexcept {
  if ((tcb.flags & kInRtoRecovery) != 0) return std::min(sample.acked, smss);
  return tcb.ssthresh == kNoSsthresh ? initial_growth(sample, smss) : std::min(sample.acked, 2 * smss);
}
}  // namespace

void acked(Tcb& tcb, const AckSample& sample) noexcept {
  const std::uint32_t segment = smss(tcb);
  if (tcb.cwnd < tcb.ssthresh) {
    if (!window_used(tcb, sample.flight)) return;
    set_cwnd(tcb, std::uint64_t{tcb.cwnd} + slow_start_growth(tcb, sample, segment));
    return;
  }
  if (sample.flight + segment < tcb.cwnd) return;
  const std::uint32_t used = whole_segments(tcb.cwnd, segment);
  // RFC 3465 2.1: a segment for a window of bytes, in however many ACKs they come. They are counted where SND.UNA and
  // what has counted ahead of it pass multiples of a unit worth 16 to 32 bytes: so no remainder need be kept, and none is
  // gained by dividing ACKs.
  const std::uint64_t unit = std::bit_ceil(std::uint64_t{16} * tcb.cwnd / segment);
  const std::uint64_t end = (tcb.snd_una + sample.ahead).value() + (std::uint64_t{1} << 32U);
  const std::uint64_t passed = end / unit - (end - std::min(sample.acked, tcb.cwnd)) / unit;
  set_cwnd(tcb, tcb.cwnd + (passed * unit * segment + used / 2) / used);
}

void loss(Tcb& tcb, std::uint32_t flight) noexcept {
  // What limited transmit sent beyond cwnd does not count (RFC 5681 3.2, step 2).
  tcb.ssthresh = half_of(std::min(flight, tcb.cwnd), smss(tcb));
  tcb.cwnd = tcb.ssthresh;
}

void timeout(Tcb& tcb, std::uint32_t flight, bool first) noexcept {
  if (first) tcb.ssthresh = half_of(std::min(flight, std::max(tcb.cwnd, smss(tcb))), smss(tcb));
  tcb.cwnd = smss(tcb);
}

}  // namespace sluice::tcp::reno
