// SPDX-License-Identifier: BSD-3-Clause
// SEGMENT ARRIVES (RFC 9293 3.10.7) and ICMP errors, by state.
#include "base/check.h"
#include "tcp/input.h"

namespace sluice::tcp {

Verdict on_segment(Tcb& tcb, Segment& segment, Env& env) noexcept {
  Verdict verdict{};
  switch (tcb.state) {
    case State::kEstablished:
      if (fast_path(tcb, segment, env, verdict)) return verdict;
      return input_synchronized(tcb, segment, env);
    case State::kSynRcvd:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait: return input_synchronized(tcb, segment, env);
    case State::kSynSent: return input_syn_sent(tcb, segment, env);
    case State::kClosed: {
      OutSegment answer;
      verdict = on_segment_closed(segment, answer);
      if (verdict == Verdict::kClosedReset) env.out.add() = answer;
      return verdict;
    }
    case State::kListen: break;
  }
  CHECK(false && "no Tcb is in LISTEN");
  return verdict;
}

void on_icmp_error(Tcb& tcb, Errc error, bool hard, Env& env) noexcept {
  if (tcb.state == State::kClosed) return;
  if (hard && tcb.state == State::kSynSent) {
    finish(tcb, error, env);
    return;
  }
  tcb.error = error;  // soft (RFC 5927 5.2): finish() gives it as the reason of a time-out
}

}  // namespace sluice::tcp
