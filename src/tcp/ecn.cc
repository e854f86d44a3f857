// SPDX-License-Identifier: BSD-3-Clause
// Explicit congestion notification (RFC 3168 6.1): marks that the peer's segments
// bring, and echoes of those that ours got. Only connections that negotiated it come
// here. DCTCP's receiver (RFC 8257 3.2) echoes segment by segment.
#include <algorithm>

#include "tcp/input.h"
#include "tcp/sending.h"

namespace sluice::tcp {

void ecn_acked(Tcb& tcb, const Segment& segment, std::uint32_t acked, std::uint32_t cwnd, Env& env) noexcept {
  if (segment.ack.before(tcb.snd_una)) return;  // overtaken: it echoes what was answered
  const bool echo = segment.has(kEce);
  if (!echo && env.of(tcb).congestion != CongestionControl::kDctcp) return;
  if (echo) tcb.cwnd = std::min(tcb.cwnd, cwnd);  // RFC 3168 6.1.2: no growth by an echo
  congestion::echo(tcb, acked, echo, env);
}

void ecn_text(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (segment.len == 0) return;
  if (segment.ce) ++env.counters.ecn_marks;
  if (env.of(tcb).congestion == CongestionControl::kDctcp) {
    const bool echoing = (tcb.flags & kEcnEcho) != 0;
    if (segment.ce == echoing) return;
    // RFC 8257 3.2: what came before is acknowledged as it was marked, by itself; and the change is told at once, for a
    // sender with a window of one or two segments waits for it.
    if ((tcb.flags & (kAckDelayed | kAckNow)) != 0) send_ack(tcb, env);
    tcb.flags ^= kEcnEcho;
    tcb.flags |= kAckNow;
    return;
  }
  // RFC 3168 6.1.3: every acknowledgment says so until the peer has said that it heard.
  if (segment.has(kCwr)) tcb.flags &= ~kEcnEcho;
  if (segment.ce) tcb.flags |= kEcnEcho | kAckNow;
}

void ecn_mark(Tcb& tcb, OutSegment& out, Env& env) noexcept {
  if (out.len == 0) return;
  // What answers an echo needs the state block; without one nothing of ours asks to be marked.
  out.ect = congestion::need_state(tcb, env) != nullptr && env.of(tcb).congestion != CongestionControl::kBbr;
  if ((tcb.flags & kEcnCwr) == 0) return;
  out.flags |= kCwr;
  tcb.flags &= ~kEcnCwr;
}

}  // namespace sluice::tcp
