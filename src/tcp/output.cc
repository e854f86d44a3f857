// SPDX-License-Identifier: BSD-3-Clause
// What leaves, and when: retransmissions, new data (RFC 9293 3.7.4 Nagle, 3.8.6.2.1
// silly windows), FIN, the acknowledgment owed, and the segments that other
// events ask for by name.
#include <utility>

#include "tcp/cc_bbr.h"
#include "tcp/pacing.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr std::uint32_t kSackHeadBytes = 4;  // NOP NOP kind length
constexpr std::uint32_t kSackBlockBytes = 8;

// SND.NXT, or the right edge of the peer's window where SND.NXT is beyond it (after a probe, or because it
// shrank): the peer would answer an ACK from out there with another one, and so on for ever.
SeqNum ack_seq(const Tcb& tcb) noexcept {
  if (syn_unacked(tcb)) return tcb.snd_nxt;
  return earlier(tcb.snd_nxt, tcb.snd_una + snd_wnd_bytes(tcb));
}

void put_timestamps(const Tcb& tcb, OutSegment& out, const Env& env) noexcept {
  out.options |= kOptTimestamps;
  out.tsval = env.now_ms() + tcb.ts_offset;
  out.tsecr = tcb.ts_recent;
}

// A segment with everything but payload; what was owed to the peer is in it.
OutSegment& add_segment(Tcb& tcb, SeqNum seq, std::uint8_t flags, Env& env) noexcept {
  OutSegment& out = env.out.add();
  out.seq = seq;
  out.ack = tcb.rcv_nxt;
  out.flags = flags;
  out.wnd = announce_window(tcb, false, env);
  if ((tcb.flags & kEcnEcho) != 0) [[unlikely]] out.flags |= kEce;
  if ((tcb.flags & kTsOk) != 0) put_timestamps(tcb, out, env);
  if (tcb.side != kNoIndex && (tcb.flags & kSackOk) != 0) {
    out.n_sack = static_cast<std::uint8_t>(sack_blocks(tcb, env, out.sack, (tcb.flags & kTsOk) != 0 ? 3 : 4));
    if (out.n_sack != 0) out.options |= kOptSack;
  }
  tcb.flags &= ~(kAckNow | kAckDelayed | kAckSecond);
  // The same timer brings the application back that found no buffer for its first byte (want_room()).
  if ((tcb.flags & kWantWritable) == 0 || tcb.snd_queued != 0) tcb.t_delack = Tick{};
  return out;
}

// Payload that the options of `out` leave room for.
std::uint32_t payload_max(const Tcb& tcb, const OutSegment& out) noexcept {
  const std::uint32_t sack = out.n_sack != 0 ? kSackHeadBytes + kSackBlockBytes * out.n_sack : 0;
  return smss(tcb) - sack;
}

// `len`, or less where that many bytes from `place` lie in more buffers than a frame can point to.
std::uint32_t bounded_span(Place place, std::uint32_t len) noexcept {
  std::uint32_t bytes = place.buf->len - place.offset;
  for (unsigned bufs = 1; bytes < len && bufs < kMaxFragments - 1; ++bufs) {
    place.buf = place.buf->next;
    bytes += place.buf->len;
  }
  return std::min(bytes, len);
}

std::uint32_t seg_len(const OutSegment& out) noexcept { return out.len + ((out.flags & kFin) != 0 ? 1U : 0U); }

// The same as place_of(), for what goes again: a queue of thousands of buffers is not searched from its head each time.
Place place_of_lost(Tcb& tcb, SeqNum seq, Env& env) noexcept {
  SendMap* map = map_of(tcb, env);
  if (map == nullptr) return place_of(tcb, seq);
  const bool behind = map->resent_buf != nullptr && !seq.before(map->resent_seq);
  const Place place = place_from(behind ? map->resent_buf : tcb.snd_head, seq);
  map->resent_buf = place.buf;
  map->resent_seq = seq;
  return place;
}

// `len` queued bytes from `seq` on, less if they do not fit, and FIN if all of them did.
OutSegment& add_data(Tcb& tcb, SeqNum seq, std::uint32_t len, bool fin, Env& env) noexcept {
  OutSegment& out = add_segment(tcb, seq, kAck, env);
  if (len > 0) {
    const Place place = seq == tcb.snd_nxt ? place_of(tcb, seq) : place_of_lost(tcb, seq, env);
    out.chunk = place.buf;
    out.chunk_offset = place.offset;
    out.len = bounded_span(place, std::min(len, payload_max(tcb, out)));
    if (seq == tcb.snd_nxt) tcb.snd_cursor = place.buf;
    if (seq + out.len == queue_end(tcb)) out.flags |= kPsh;
  }
  if (fin && out.len == len) out.flags |= kFin;
  return out;
}

// Bookkeeping of sequence numbers sent for the first time.
void advance(Tcb& tcb, const OutSegment& out, Env& env) noexcept {
  ++env.counters.mib.OutSegs;
  tcb.snd_nxt = out.seq + seg_len(out);
  if ((out.flags & kFin) != 0) tcb.flags |= kFinSent;
  note_sent(tcb, out.seq, env);
}

// Whether a segment of `len` bytes of `waiting` may leave that the windows allow. A full one always may.
bool worth_sending(const Tcb& tcb, const Params& params, std::uint32_t len, std::uint32_t waiting) noexcept {
  if (len == 0) return false;
  if (len == smss(tcb)) return true;
  // Deviation: by RFC 9293 3.7.4 (SHLD-7, Nagle) a segment that is not full waits as long as anything is out; here, in
  // Minshall's form, only while another such segment is: the end of a long write does not wait for the ACK of its
  // beginning, which the peer may delay. Pinned by EndOfALongWriteDoesNotWait.
  // RFC 7413: a SYN|ACK that is still out is nothing to wait for.
  const bool at_once = params.nodelay || in_flight(tcb) <= tcb.fast_open || (tcb.flags & kPartialOut) == 0;
  if (len == waiting) {
    if ((tcb.flags & kFinQueued) != 0) return true;  // nothing will join it
    // Who waits for room would otherwise wait for ever: only what leaves brings an acknowledgment.
    return (!params.cork || (tcb.flags & kWantWritable) != 0) && at_once;
  }
  const std::uint32_t max_wnd = std::uint32_t{tcb.max_snd_wnd} << tcb.snd_wscale;
  return at_once && len >= (max_wnd + 1) / 2;
}

// RFC 5681 4.1
void restart_after_idle(Tcb& tcb, Env& env) noexcept {
  const std::uint32_t quiet_us = env.now_us() - tcb.sent_us;
  if (quiet_us <= kRtoMarginUs || in_flight(tcb) != 0 || quiet_us <= base_rto_us(tcb)) return;  // an RTO is longer than its margin
  congestion::idle(tcb, env);
  tcb.reo_mult = 0;
}

// New data as far as the windows admit it, with at most `limit` bytes in the network.
void send_new(Tcb& tcb, const Params& params, std::uint32_t in_network, std::uint32_t limit, Env& env) noexcept {
  for (;;) {
    const std::uint32_t waiting = unsent(tcb);
    const std::uint32_t left = window_left(tcb);
    const std::uint32_t len = std::min({waiting, smss(tcb), left});
    const bool fin = fin_pending(tcb) && len == waiting && left > len;
    if (waiting == 0 ? !fin : !worth_sending(tcb, params, len, waiting)) return;
    if (len != 0 && in_network != 0 && in_network + len > limit) return;
    if (env.out.full()) {
      tcb.flags |= kMoreOutput;
      return;
    }
    if (tcb.snd_nxt == tcb.snd_una) tcb.flags &= ~kPartialOut;
    OutSegment& out = add_data(tcb, tcb.snd_nxt, len, fin, env);
    if (out.len < smss(tcb)) tcb.flags |= kPartialOut;
    if ((tcb.flags & kEcnOk) != 0) [[unlikely]] ecn_mark(tcb, out, env);
    advance(tcb, out, env);
    if ((tcb.flags & (kFinSent | kPersist)) == kFinSent) return;  // nothing follows it
    in_network += seg_len(out);
    if ((tcb.flags & kPersist) != 0) {
      tcb.flags &= ~kPersist;
      tcb.backoff = 0;
      restart_rexmt(tcb, env);
    }
  }
}

// Bytes that a retransmission of what ends at SND.NXT may carry beyond it: only a probe's single byte is
// worth joining with what follows.
std::uint32_t joined_bytes(const Tcb& tcb, std::uint32_t room) noexcept {
  if (in_flight(tcb) != 1 || (tcb.flags & kFinSent) != 0) return 0;
  return std::min({smss(tcb) - 1, unsent(tcb), room - 1});
}

// At most `budget` bytes, but for what must go again whatever the window says; returns what is left of them.
std::int64_t retransmit(Tcb& tcb, std::int64_t budget, Env& env) noexcept {
  for (;;) {
    const bool must = (tcb.flags & kRexmtOne) != 0;
    const wire::SackBlock due = next_retransmission(tcb, env);
    if (due.left == due.right || (due.right - due.left > budget && !must)) return budget;
    const SeqNum edge = tcb.snd_una + snd_wnd_bytes(tcb);
    if (!due.left.before(edge)) {  // the window shrank; RTO and persist timer go on
      tcb.flags &= ~kRexmtOne;
      return budget;
    }
    if (env.out.full()) {
      tcb.flags |= kMoreOutput;
      return budget;
    }
    const SeqNum end = earlier(due.right, edge);
    const bool fin = (tcb.flags & kFinSent) != 0 && end == tcb.snd_nxt;
    const std::uint32_t old_len = end - due.left - (fin ? 1U : 0U);
    const std::uint32_t joined = end == tcb.snd_nxt ? joined_bytes(tcb, edge - due.left) : 0;
    const OutSegment& out = add_data(tcb, due.left, old_len + joined, fin, env);
    const SeqNum sent_end = out.seq + seg_len(out);
    budget -= out.len;
    note_retransmitted(tcb, due.left, sent_end, env);
    if (sent_end.after(tcb.snd_nxt)) {
      ++env.counters.mib.OutSegs;
      const SeqNum from = tcb.snd_nxt;
      tcb.snd_nxt = sent_end;
      note_sent(tcb, from, env);
    }
    if (!tcb.t_rexmt.armed()) restart_rexmt(tcb, env);
  }
}

bool sends_data(State state) noexcept {
  constexpr unsigned kSending = 1U << static_cast<unsigned>(State::kEstablished) |
                                1U << static_cast<unsigned>(State::kCloseWait) |
                                1U << static_cast<unsigned>(State::kFinWait1) |
                                1U << static_cast<unsigned>(State::kClosing) |
                                1U << static_cast<unsigned>(State::kLastAck);
  return (kSending >> static_cast<unsigned>(state) & 1U) != 0;
}

constexpr std::uint32_t kAnyRetransmission = kRexmtOne | kInRtoRecovery | kInRecovery;

bool has_new(const Tcb& tcb) noexcept { return unsent(tcb) != 0 || fin_pending(tcb); }

// The timers of what send_new() has sent, or could not; `flight` was outstanding before.
void watch_sent(Tcb& tcb, std::uint32_t flight, Env& env) noexcept {
  // A probe of a single segment waits for a delayed acknowledgment; of more it need not.
  const bool alone = (tcb.flags & kPto) != 0 && flight <= smss(tcb);
  if (in_flight(tcb) != flight && (!tcb.t_rexmt.armed() || alone)) restart_rexmt(tcb, env);
  if (must_probe(tcb)) start_persist(tcb, env);
}

// Length of the segment that the windows admit now and pacing alone holds back; 0: there is none.
std::uint32_t held_back(Tcb& tcb, Env& env) noexcept {
  if ((tcb.flags & kMoreOutput) != 0) return 0;
  if ((tcb.flags & kAnyRetransmission) != 0) {
    const wire::SackBlock due = next_retransmission(tcb, env);
    if (due.left != due.right) return due.left.before(tcb.snd_una + snd_wnd_bytes(tcb)) ? due.right - due.left : 0;
  }
  const std::uint32_t waiting = unsent(tcb);
  const std::uint32_t len = std::min({waiting, smss(tcb), window_left(tcb)});
  const std::uint32_t in_network = pipe(tcb, env);
  if (!worth_sending(tcb, env.of(tcb), len, waiting)) return 0;
  return in_network == 0 || in_network + len <= tcb.cwnd ? len : 0;
}

void transmit(Tcb& tcb, bool again, Env& env) noexcept {
  if (again) {
    retransmit(tcb, INT64_MAX, env);
    if (!has_new(tcb)) return;
  }
  const std::uint32_t flight = in_flight(tcb);
  restart_after_idle(tcb, env);
  send_new(tcb, env.of(tcb), flight != 0 ? pipe(tcb, env) : 0, tcb.cwnd, env);
  watch_sent(tcb, flight, env);
}

// The same, but at most what the bucket holds; what that leaves waits for a release.
void transmit_paced(Tcb& tcb, bool again, Env& env) noexcept {
  if (has_new(tcb)) restart_after_idle(tcb, env);
  BbrModel* model = env.of(tcb).congestion == CongestionControl::kBbr ? congestion::need_model(tcb, env) : nullptr;
  const std::uint32_t before = in_flight(tcb);
  const std::int64_t budget = pacing::budget(tcb, env);
  if (model != nullptr) bbr::before_send(tcb, *model, budget >= pacing::depth(model->pacing_rate, smss(tcb)), env);
  std::int64_t left = again ? retransmit(tcb, budget, env) : budget;
  if (has_new(tcb)) {
    const std::uint32_t flight = in_flight(tcb);
    const std::uint32_t in_network = pipe(tcb, env);
    // With nothing in the network a segment may leave beyond cwnd, but not beyond the bucket.
    if (left >= std::int64_t{std::min({unsent(tcb), smss(tcb), window_left(tcb)})}) {
      const std::int64_t limit = std::min(std::int64_t{tcb.cwnd}, in_network + left);
      send_new(tcb, env.of(tcb), in_network, static_cast<std::uint32_t>(limit), env);
      left -= in_flight(tcb) - flight;
    }
    watch_sent(tcb, flight, env);
  }
  const auto sent = static_cast<std::uint32_t>(budget - left);
  pacing::charge(tcb, sent, env);
  if (model != nullptr) bbr::after_send(tcb, *model, sent, before, env);
  const std::uint32_t next = held_back(tcb, env);
  if (next > left) pacing::wait_for(tcb, next + unsent(tcb), env);
}

}  // namespace

void output(Tcb& tcb, Env& env) noexcept {
  if (tcb.state == State::kClosed) return;
  tcb.flags &= ~kMoreOutput;
  if (sends_data(tcb.state) || tcb.fast_open != 0) {
    const bool again = (tcb.flags & kAnyRetransmission) != 0;
    if (again || has_new(tcb)) {
      if (is_paced(env.of(tcb))) [[unlikely]] {
        transmit_paced(tcb, again, env);
      } else {
        transmit(tcb, again, env);
      }
    }
  }
  if ((tcb.flags & kAckNow) == 0) return;
  const Tick release = is_paced(env.of(tcb)) ? tcb.t_delack : Tick{};
  send_ack(tcb, env);
  if (release.armed()) [[unlikely]] tcb.t_delack = release;  // pacing waits for it as well; once too often does no harm
}

void send_ack(Tcb& tcb, Env& env) noexcept {
  if (env.out.full()) {
    tcb.flags |= kAckNow | kMoreOutput;
    return;
  }
  add_segment(tcb, ack_seq(tcb), kAck, env);
  ++env.counters.mib.OutSegs;
}

void send_keepalive(Tcb& tcb, Env& env) noexcept {
  if (env.out.full()) return;
  add_segment(tcb, tcb.snd_nxt - 1, kAck, env);
  ++env.counters.mib.OutSegs;
  ++env.counters.keepalive_probes;
}

void send_reset(Tcb& tcb, Env& env) noexcept {
  if (env.out.full()) return;
  OutSegment& out = env.out.add();
  out.seq = ack_seq(tcb);
  out.ack = tcb.rcv_nxt;
  out.flags = kRst | kAck;
  if ((tcb.flags & kTsOk) != 0) put_timestamps(tcb, out, env);
  ++env.counters.mib.OutSegs;
  ++env.counters.mib.OutRsts;
}

// In SYN_SENT everything is offered, else what the peer's SYN offered.
void send_syn(Tcb& tcb, Env& env) noexcept {
  if (env.out.full()) return;  // the timer sends it again
  const bool active = tcb.state == State::kSynSent;
  const Params& params = env.of(tcb);
  OutSegment& out = env.out.add();
  out.seq = tcb.snd_una;
  out.flags = active ? kSyn : kSyn | kAck;
  const bool first = tcb.snd_nxt == tcb.snd_una;
  if (active && first && wants_ecn(params)) out.flags |= kEce | kCwr;  // RFC 3168 6.1.1.1: only the first
  if (!active && (tcb.flags & kEcnOk) != 0) out.flags |= kEce;
  if (!active) out.ack = tcb.rcv_nxt;
  out.wnd = announce_window(tcb, true, env);
  out.options = kOptMss;
  out.mss = env.local_mss[tcb.flow.local_addr];
  if (params.mss != 0) out.mss = std::min(out.mss, params.mss);
  if (active || (tcb.flags & kSackOk) != 0) out.options |= kOptSackPermitted;
  if (active || (tcb.flags & kTsOk) != 0) put_timestamps(tcb, out, env);
  if (active || (tcb.flags & kWscaleOk) != 0) {
    out.options |= kOptWscale;
    out.wscale = tcb.rcv_wscale;
  }
  tcb.flags &= ~(kAckNow | kAckDelayed | kAckSecond);
  if (first) {
    tcb.snd_nxt += 1;
    tcb.flags |= kRttTiming;
    tcb.sent_us = env.now_us();
    ++env.counters.mib.OutSegs;
  } else {
    tcb.flags &= ~kRttTiming;
    if (tcb.retransmits != UINT16_MAX) ++tcb.retransmits;
    ++env.counters.mib.RetransSegs;
  }
  if (!tcb.t_rexmt.armed()) restart_rexmt(tcb, env);
}

void send_probe(Tcb& tcb, Env& env) noexcept {
  if (env.out.full()) return;
  ++env.counters.zero_window_probes;
  if (in_flight(tcb) != 0) {  // the byte, or the FIN, that was not accepted
    const bool fin = tcb.snd_una == queue_end(tcb);
    const OutSegment& out = add_data(tcb, tcb.snd_una, fin ? 0 : 1, fin, env);
    note_retransmitted(tcb, out.seq, out.seq + seg_len(out), env);
    return;
  }
  const std::uint32_t waiting = unsent(tcb);
  const std::uint32_t len = std::min({waiting, smss(tcb), std::max(window_left(tcb), 1U)});
  advance(tcb, add_data(tcb, tcb.snd_nxt, len, waiting == 0 && fin_pending(tcb), env), env);
}

bool send_mtu_probe(Tcb& tcb, std::uint16_t mss, Env& env) noexcept {
  constexpr std::uint32_t kTrouble = kRexmtOne | kInRtoRecovery | kInRecovery | kPersist;
  if (!sends_data(tcb.state) || (tcb.flags & kTrouble) != 0 || tcb.backoff != 0 || env.out.full()) return false;
  const std::uint16_t ordinary = std::exchange(tcb.mss, mss);
  const std::uint32_t len = smss(tcb);
  // Perhaps beyond cwnd by less than itself: once in many seconds.
  const bool sends = unsent(tcb) >= len && window_left(tcb) >= len && in_flight(tcb) < tcb.cwnd;
  if (sends) {
    advance(tcb, add_data(tcb, tcb.snd_nxt, len, false, env), env);
    if (!tcb.t_rexmt.armed()) restart_rexmt(tcb, env);
  }
  tcb.mss = ordinary;
  return sends;
}

bool send_tail_probe(Tcb& tcb, Env& env) noexcept {
  if (env.out.full()) return true;  // as good as lost
  const std::uint32_t len = std::min({unsent(tcb), smss(tcb), window_left(tcb)});
  if (len != 0) {
    advance(tcb, add_data(tcb, tcb.snd_nxt, len, false, env), env);
    return true;
  }
  // The last segment, or what of it the peer's window covers.
  const SeqNum edge = earlier(tcb.snd_nxt, tcb.snd_una + snd_wnd_bytes(tcb));
  const SeqNum left = edge - std::min(smss(tcb), edge - tcb.snd_una);
  const bool fin = (tcb.flags & kFinSent) != 0 && edge == tcb.snd_nxt;
  const OutSegment& out = add_data(tcb, left, edge - left - (fin ? 1U : 0U), fin, env);
  note_retransmitted(tcb, left, left + seg_len(out), env);
  return false;
}

void reset_for(const Segment& segment, OutSegment& answer) noexcept {
  answer = OutSegment{};
  if (segment.has(kAck)) {
    answer.flags = kRst;
    answer.seq = segment.ack;
  } else {
    answer.flags = kRst | kAck;
    answer.ack = segment.seq + segment.seg_len();
  }
}

}  // namespace sluice::tcp
