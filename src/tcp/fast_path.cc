// SPDX-License-Identifier: BSD-3-Clause
// The two segments that most connections consist of, in order text and pure ACKs, and the FIN
// that ends those which we close first, past the tests of RFC 9293 3.10.7.4 that they cannot
// fail. tests/unit/tcp runs both ways against the slow one.
#include "base/modular.h"
#include "tcp/input.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

// Nothing is special about the connection or the segment.
bool predicted(const Tcb& tcb, const Segment& segment) noexcept {
  constexpr std::uint32_t kUnusual = kRcvShutdown | kAppClosed | kFinReceived | kFinOutOfOrder;
  if (tcb.state != State::kEstablished) return false;
  if (const std::uint32_t unusual = tcb.flags & (kUnusual | kEcnOk | kEcnEcho); unusual != 0) [[unlikely]] {
    // With ECN as well, as long as nothing was marked in either direction: ECE and CWR do not pass below.
    if (unusual != kEcnOk || segment.ce) return false;
  }
  if ((segment.flags & ~kPsh) != kAck || segment.seq != tcb.rcv_nxt || tcb.side != kNoIndex) return false;
  const wire::TcpOptions& options = *segment.options;
  if (options.n_sack != 0) return false;
  if ((tcb.flags & kTsOk) != 0 && (!options.has_ts || before(options.tsval, tcb.ts_recent))) return false;
  // SND.UNA <= SEG.ACK <= SND.NXT, and the text fits into the window
  return segment.ack - tcb.snd_una <= tcb.snd_nxt - tcb.snd_una && segment.len <= rcv_wnd_bytes(tcb);
}

// The peer's FIN, in order and without text, which acknowledges all that we had to say to a peer of whom nobody here wants
// to know any more. Nothing is left to learn from it for a connection that becomes a TIME_WAIT record.
bool is_last(const Tcb& tcb, const Segment& segment) noexcept {
  constexpr std::uint32_t kOver = kAppClosed | kFinSent;
  constexpr std::uint32_t kUnusual = kSynUnacked | kPersist | kFinOutOfOrder | kProbeDoubt | kEcnOk | kEcnEcho;
  if ((tcb.flags & (kOver | kUnusual)) != kOver) return false;
  if ((segment.flags & ~kPsh) != (kAck | kFin) || segment.len != 0) return false;
  if (segment.seq != tcb.rcv_nxt || segment.ack != tcb.snd_nxt || segment.seq.after(right_edge(tcb))) return false;
  if (tcb.sends != kNoIndex || tcb.side != kNoIndex || tcb.rcv_head != nullptr) return false;
  const wire::TcpOptions& options = *segment.options;
  if (options.n_sack != 0) return false;
  return (tcb.flags & kTsOk) == 0 || (options.has_ts && !before(options.tsval, tcb.ts_recent));
}

}  // namespace

bool fast_path(Tcb& tcb, Segment& segment, Env& env, Verdict& verdict) noexcept {
  if (!predicted(tcb, segment)) return false;
  note_timestamp(tcb, segment, env);
  restart_keepalive(tcb, env);
  const SeqNum una = tcb.snd_una;
  const std::uint32_t cwnd = tcb.cwnd;
  verdict = on_ack(tcb, segment, env);
  if ((tcb.flags & kEcnOk) != 0) [[unlikely]] ecn_acked(tcb, segment, tcb.snd_una - una, cwnd, env);
  if (segment.len > 0) verdict = reassemble(tcb, segment, env);
  return true;
}

bool closing_path(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (!is_last(tcb, segment)) return false;
  note_timestamp(tcb, segment, env);
  tcb.snd_una = segment.ack;
  queue_clear(tcb, env);
  tcb.rcv_nxt += 1;
  tcb.flags = (tcb.flags & ~(kRexmtOne | kRttTiming)) | kFinReceived | kAckNow;
  tcb.dupacks = 0;
  tcb.backoff = 0;
  enter(tcb, State::kTimeWait, env);
  start_time_wait(tcb, env);
  return true;
}

}  // namespace sluice::tcp
