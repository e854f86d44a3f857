// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.4 for SYN_RCVD and the synchronized states: one function a step,
// in the RFC's order. A step that ends the segment's way returns its verdict.
#include <algorithm>
#include <optional>

#include "base/check.h"
#include "tcp/input.h"

namespace sluice::tcp {

namespace {

using Done = std::optional<Verdict>;
constexpr std::nullopt_t kContinue = std::nullopt;

// Within two buffers' length of RCV.NXT: what a peer could have sent a while ago, or too early.
bool plausible(const Tcb& tcb, SeqNum seq, const Env& env) noexcept {
  constexpr std::uint32_t kMost = 1U << 30U;  // twice this is half of all numbers
  const std::uint32_t reach = std::min(2 * std::max(env.of(tcb).rcvbuf, 65'535U), kMost);
  return seq.in_window(tcb.rcv_nxt - reach, 2 * reach);
}

// An acknowledgment of where we stand. Segments without sequence space get it within the limit of challenge
// ACKs, so that two ends that disagree do not answer each other for ever; and text from nowhere, because
// who guesses numbers would make us send duplicate ACKs as fast as he likes.
// Pinned by GuessedResetsSynsAndTextDoNoHarm.
[[gnu::noinline]] Verdict answer_unacceptable(Tcb& tcb, const Segment& segment, Verdict verdict, Env& env) noexcept {
  if ((segment.len == 0 && !segment.has(kFin)) || !plausible(tcb, segment.seq, env)) {
    return challenge_ack(tcb, env) ? verdict : Verdict::kChallengeLimited;
  }
  tcb.flags |= kAckNow;
  return verdict;
}

bool is_keepalive_probe(const Tcb& tcb, const Segment& segment) noexcept {
  return segment.seq + 1 == tcb.rcv_nxt && segment.len <= 1 && !segment.has(kFin);
}

// What step 1 refused.
[[gnu::noinline]] Verdict refuse_sequence(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (is_keepalive_probe(tcb, segment)) {
    restart_keepalive(tcb, env);
    return answer_unacceptable(tcb, segment, Verdict::kKeepaliveAnswered, env);
  }
  if (segment.seq.after(tcb.rcv_nxt)) return answer_unacceptable(tcb, segment, Verdict::kDataOutOfWindow, env);
  if (segment.len > 0) note_duplicate(tcb, segment.seq, segment.seq + segment.len, env);
  return answer_unacceptable(tcb, segment, Verdict::kDataDuplicate, env);
}

// Step 1. RST and SYN have their own tests in steps 2 and 4.
// Deviation: what ends at or after Last.ACK.sent passes although RCV.NXT may be further on, and what begins
// right at the right edge passes although the window ends there: ACKs that cross data of ours or that follow
// a full window say something true about what we sent. Text is cut to the window in step 7.
// Pinned by PureAckAtTheRightEdgeStillAcknowledges.
Done check_sequence(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (segment.has(kRst)) return kContinue;
  if (paws_rejects(tcb, segment, env)) {
    ++env.counters.paws_dropped;
    return answer_unacceptable(tcb, segment, Verdict::kPaws, env);
  }
  if (segment.has(kSyn)) return kContinue;
  const SeqNum end = segment.seq + segment.seg_len();
  if (!end.before(tcb.last_ack_sent) && !segment.seq.after(right_edge(tcb))) return kContinue;
  return refuse_sequence(tcb, segment, env);
}

// The application learns of a reset unless both ends had said their last word and it arrived.
Errc reset_error(const Tcb& tcb) noexcept {
  switch (tcb.state) {
    case State::kSynRcvd: return tcb.fast_open != 0 ? Errc::kConnectionReset : Errc::kConnectionRefused;
    case State::kClosing:
    case State::kLastAck: return tcb.snd_queued == 0 ? Errc::kOk : Errc::kConnectionReset;
    case State::kClosed:
    case State::kListen:
    case State::kSynSent:
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
    case State::kTimeWait: break;
  }
  return Errc::kConnectionReset;
}

// Step 2 with RFC 5961 3.2: exact, in the window, or neither.
[[gnu::noinline]] Verdict check_reset(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (segment.seq == tcb.rcv_nxt) {
    finish(tcb, reset_error(tcb), env);
    return Verdict::kReset;
  }
  if (!segment.seq.in_window(tcb.rcv_nxt, rcv_wnd_bytes(tcb))) return Verdict::kRstOutOfWindow;
  return challenge_ack(tcb, env) ? Verdict::kRstChallenge : Verdict::kChallengeLimited;
}

// Step 4 with RFC 5961 4.2: wherever it points, a SYN gets a challenge ACK. (A passive connection that could
// return to LISTEN here is a HalfOpen record, not a Tcb.)
[[gnu::noinline]] Done check_syn(Tcb& tcb, Segment& segment, Env& env) noexcept {
  if (tcb.state == State::kSynRcvd && segment.seq == tcb.snd_wl1) {  // IRS, until our SYN is acknowledged
    if (!segment.has(kAck)) {
      send_syn(tcb, env);
      return Verdict::kSynRcvdDuplicateSyn;
    }
    // Simultaneous open, figure 8: the peer's SYN|ACK repeats the SYN we know; its ACK is what counts.
    segment.seq += 1;
    segment.flags &= static_cast<std::uint8_t>(~kSyn);
    segment.wnd = scaled_syn_window(segment.wnd, tcb.snd_wscale);
    tcb.flags |= kAckNow;
    return kContinue;
  }
  return challenge_ack(tcb, env) ? Verdict::kSynChallenge : Verdict::kChallengeLimited;
}

// Step 5 in SYN_RCVD.
Done acknowledge_syn(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (!segment.ack.after(tcb.snd_una) || segment.ack.after(tcb.snd_nxt)) {
    reset_for(segment, env.out.add());
    return Verdict::kSynRcvdBadAck;
  }
  note_timestamp(tcb, segment, env);
  if (tcb.fast_open != 0) [[unlikely]] {
    establish_fast(tcb, segment, env);
  } else {
    establish(tcb, segment, segment.wnd, env);
  }
  return kContinue;
}

// Step 5 with RFC 5961 5.2. `verdict` is what the ACK amounts to.
Done check_ack(Tcb& tcb, const Segment& segment, Env& env, Verdict& verdict) noexcept {
  if (!segment.has(kAck)) return Verdict::kNoAck;
  if (tcb.state == State::kSynRcvd) {
    verdict = Verdict::kSynRcvdEstablished;
    if (const Done done = acknowledge_syn(tcb, segment, env)) return done;
    if ((tcb.flags & kEcnOk) != 0) [[unlikely]] ecn_text(tcb, segment, env);
    return kContinue;
  }
  if (segment.ack.after(tcb.snd_nxt)) return answer_unacceptable(tcb, segment, Verdict::kAckTooHigh, env);
  if (segment.ack.before(tcb.snd_una - (std::uint32_t{tcb.max_snd_wnd} << tcb.snd_wscale))) {
    return challenge_ack(tcb, env) ? Verdict::kAckTooOld : Verdict::kChallengeLimited;
  }
  note_timestamp(tcb, segment, env);
  restart_keepalive(tcb, env);
  const SeqNum una = tcb.snd_una;
  // What echoes may not exceed. Recovery has answered already, and decides itself (RFC 6937, RFC 5681 3.1): the peer
  // echoes until it hears CWR, which new data bring, and these come last.
  const std::uint32_t cwnd = (tcb.flags & (kInRecovery | kInRtoRecovery)) != 0 ? UINT32_MAX : tcb.cwnd;
  verdict = on_ack(tcb, segment, env);
  if ((tcb.flags & kEcnOk) != 0) [[unlikely]] {
    ecn_acked(tcb, segment, tcb.snd_una - una, cwnd, env);
    ecn_text(tcb, segment, env);
  }
  if (tcb.state == State::kLastAck && fin_acked(tcb)) {
    finish(tcb, Errc::kOk, env);
    return Verdict::kConnectionClosed;
  }
  if (tcb.state == State::kClosing && fin_acked(tcb)) {
    enter(tcb, State::kTimeWait, env);
    start_time_wait(tcb, env);
  }
  return kContinue;
}

// The application has let go of a connection that still receives (RFC 9293 3.6.1, SHLD-3).
bool nobody_will_read(const Tcb& tcb) noexcept {
  return (tcb.flags & kAppClosed) != 0 && (tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2);
}

// Cuts text and FIN that lie beyond what may be accepted. A FIN right at the edge may: it takes no room, and a
// peer that cannot get rid of it would probe for ever.
void trim_to_window(Tcb& tcb, Segment& segment, Env& env) noexcept {
  SeqNum limit = right_edge(tcb);
  if ((tcb.flags & kFinOutOfOrder) != 0) limit = earlier(limit, side_of(tcb, env)->fin_seq);
  const SeqNum end = segment.seq + segment.len;
  if (!end.after(limit)) return;
  // A held FIN may end the stream before the segment even begins: nothing is left of it then.
  trim_back(segment, std::min(segment.len, end - limit));
  segment.flags &= static_cast<std::uint8_t>(~kFin);
  tcb.flags |= kAckNow;
}

// Step 7.
Verdict accept_text(Tcb& tcb, Segment& segment, Env& env, Verdict verdict) noexcept {
  if (segment.len == 0) return verdict;
  const SeqNum end = segment.seq + segment.len;
  const bool is_new = end.after(tcb.rcv_nxt);
  if ((tcb.flags & kFinReceived) != 0 && is_new) return Verdict::kDataRefused;  // after its FIN nothing can follow
  if (is_new && nobody_will_read(tcb)) {
    reset_for(segment, env.out.add());
    finish(tcb, Errc::kConnectionAborted, env);
    return Verdict::kDataAfterClose;
  }
  if (segment.seq.before(tcb.rcv_nxt)) {
    const bool probe = is_keepalive_probe(tcb, segment);
    const std::uint32_t old_bytes = std::min(segment.len, tcb.rcv_nxt - segment.seq);
    note_duplicate(tcb, segment.seq, segment.seq + old_bytes, env);
    trim_front(segment, old_bytes);
    tcb.flags |= kAckNow;
    if (segment.len == 0) return probe ? Verdict::kKeepaliveAnswered : Verdict::kDataDuplicate;
  }
  trim_to_window(tcb, segment, env);
  if (segment.len == 0) return Verdict::kDataOutOfWindow;
  return reassemble(tcb, segment, env);
}

// The FIN at RCV.NXT.
void take_fin(Tcb& tcb, Env& env) noexcept {
  tcb.rcv_nxt += 1;
  tcb.flags = (tcb.flags & ~kFinOutOfOrder) | kFinReceived | kAckNow;
  drop_out_of_order(tcb, env);
  if ((tcb.flags & kAppClosed) == 0) env.events |= kEventReadable;
  switch (tcb.state) {
    case State::kEstablished: enter(tcb, State::kCloseWait, env); break;
    case State::kFinWait1:
    case State::kFinWait2:
      if (tcb.state == State::kFinWait1 && !fin_acked(tcb)) {
        enter(tcb, State::kClosing, env);
      } else {
        enter(tcb, State::kTimeWait, env);
        start_time_wait(tcb, env);
      }
      break;
    case State::kClosed:
    case State::kListen:
    case State::kSynSent:
    case State::kSynRcvd:
    case State::kCloseWait:
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait: CHECK(false && "a FIN is taken once, in a state that receives");
  }
}

// Step 8. `fin_seq` is where the segment's FIN is, if it has one.
Verdict accept_fin(Tcb& tcb, const Segment& segment, SeqNum fin_seq, Env& env, Verdict verdict) noexcept {
  // The text may have reached a FIN that waited, whatever FIN the segment carries itself.
  const bool waited = (tcb.flags & kFinOutOfOrder) != 0 && side_of(tcb, env)->fin_seq == tcb.rcv_nxt;
  if (segment.has(kFin) && !waited) {
    if (fin_seq.before(tcb.rcv_nxt)) {
      tcb.flags |= kAckNow;
      return segment.len == 0 && (tcb.flags & kFinReceived) != 0 ? Verdict::kDataDuplicate : verdict;
    }
    if ((tcb.flags & kFinReceived) != 0) return verdict;
    if (fin_seq == tcb.rcv_nxt) {
      take_fin(tcb, env);
      return Verdict::kFinAccepted;
    }
    tcb.flags |= kAckNow;
    if (!hold_fin(tcb, fin_seq, env)) return Verdict::kDataRefused;
    if (segment.len == 0) verdict = Verdict::kDataOutOfOrder;
  }
  if (!waited) return verdict;
  take_fin(tcb, env);
  return Verdict::kFinAccepted;
}

// Steps 6 to 8, in line for the segments of a synchronized state.
[[gnu::always_inline]] inline Verdict text_and_fin(Tcb& tcb, Segment& segment, Env& env, Verdict verdict) noexcept {
  // Step 6: RFC 6093 sections 3 and 5: urgent data stays in line, the pointer is not looked at.
  const SeqNum fin_seq = segment.seq + segment.len;
  const Verdict opened = verdict;
  verdict = accept_text(tcb, segment, env, verdict);
  if (tcb.state == State::kClosed) return verdict;
  verdict = accept_fin(tcb, segment, fin_seq, env, verdict);
  // FIN_WAIT_2 waits until here, so that a FIN in the very segment that acknowledges ours leads to TIME_WAIT
  // at once (figure 5, note 2).
  if (tcb.state == State::kFinWait1 && fin_acked(tcb)) {
    enter(tcb, State::kFinWait2, env);
    if ((tcb.flags & kAppClosed) != 0) start_fin_wait_2(tcb, env);
  }
  const bool handshake = opened == Verdict::kSynRcvdEstablished || opened == Verdict::kSynSentEstablished;
  return handshake ? opened : verdict;
}

}  // namespace

void establish(Tcb& tcb, const Segment& segment, std::uint16_t snd_wnd, Env& env) noexcept {
  tcb.snd_una = segment.ack;
  tcb.snd_wnd = snd_wnd;
  tcb.max_snd_wnd = std::max(tcb.max_snd_wnd, snd_wnd);
  tcb.snd_wl1 = segment.seq;
  tcb.snd_wl2 = segment.ack;
  enter(tcb, State::kEstablished, env);
  env.events |= kEventConnected;
  start_sending(tcb, env);
}

void complete_handshake(Tcb& tcb, Segment& segment, Env& env) noexcept {
  note_timestamp(tcb, segment, env);
  establish(tcb, segment, segment.wnd, env);
  if ((tcb.flags & kEcnOk) != 0) [[unlikely]] ecn_text(tcb, segment, env);
  if (segment.has(kFin)) [[unlikely]] {
    text_and_fin(tcb, segment, env, Verdict::kSynRcvdEstablished);
  } else {
    accept_text(tcb, segment, env, Verdict::kSynRcvdEstablished);
  }
}

Verdict accept_text_and_fin(Tcb& tcb, Segment& segment, Env& env, Verdict verdict) noexcept {
  return text_and_fin(tcb, segment, env, verdict);
}

Verdict input_synchronized(Tcb& tcb, Segment& segment, Env& env) noexcept {
  if ((segment.flags & (kAck | kRst | kSyn)) == 0) return Verdict::kNoAck;  // belongs to no conversation
  if (tcb.state == State::kTimeWait) return input_time_wait(tcb, segment, env);
  Verdict verdict = Verdict::kAckDuplicate;
  if (const Done done = check_sequence(tcb, segment, env)) return *done;
  if (segment.has(kRst)) [[unlikely]] return check_reset(tcb, segment, env);
  // Step 3, security and compartment: RFC 9293 A.1, not used.
  if (segment.has(kSyn)) [[unlikely]] {
    if (const Done done = check_syn(tcb, segment, env)) return *done;
  }
  if (const Done done = check_ack(tcb, segment, env, verdict)) return *done;
  return text_and_fin(tcb, segment, env, verdict);
}

}  // namespace sluice::tcp
