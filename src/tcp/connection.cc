// SPDX-License-Identifier: BSD-3-Clause
// SEGMENT ARRIVES (RFC 9293 3.10.7) and ICMP errors, by state.
#include "base/check.h"
#include "tcp/input.h"

namespace sluice::tcp {

namespace {
// These out of line, so that on_segment() itself is a jump: what they save and make room for the other states need not.
[[gnu::noinline]] Verdict input_closed(const Segment& segment, Env& env) noexcept {
  OutSegment answer;
  const Verdict verdict = on_segment_closed(segment, answer);
  if (verdict == Verdict::kClosedReset) env.out.add() = answer;
  return verdict;
}
[[gnu::noinline]] Verdict input_established(Tcb& tcb, Segment& segment, Env& env) noexcept {
  Verdict verdict{};
  if (fast_path(tcb, segment, env, verdict)) return verdict;
  return input_synchronized(tcb, segment, env);
}
[[gnu::noinline]] Verdict input_fin_wait(Tcb& tcb, Segment& segment, Env& env) noexcept {
  if (closing_path(tcb, segment, env)) return Verdict::kFinAccepted;
  return input_synchronized(tcb, segment, env);
}
}  // namespace

Verdict on_segment(Tcb& tcb, Segment& segment, Env& env) noexcept {
  switch (tcb.state) {
    case State::kEstablished: return input_established(tcb, segment, env);
    case State::kFinWait1:
    case State::kFinWait2: return input_fin_wait(tcb, segment, env);
    case State::kSynRcvd:
    case State::kCloseWait:
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait: return input_synchronized(tcb, segment, env);
    case State::kSynSent: return input_syn_sent(tcb, segment, env);
    case State::kClosed: return input_closed(segment, env);
    case State::kListen: break;
  }
  CHECK(false && "no Tcb is in LISTEN");
  return Verdict{};
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
