// SPDX-License-Identifier: BSD-3-Clause
// The two segments that most connections consist of, in order text and pure ACKs,
// past the tests of RFC 9293 3.10.7.4 that they cannot fail. tests/unit/tcp runs it
// against the slow path.
#include "base/modular.h"
#include "tcp/input.h"

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

}  // namespace sluice::tcp
