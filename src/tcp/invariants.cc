// SPDX-License-Identifier: BSD-3-Clause
// What is true of every connection between events.
#include <algorithm>
#include <iterator>

#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

const char* broken_numbers(const Tcb& tcb) noexcept {
  if (tcb.snd_nxt.before(tcb.snd_una)) return "SND.UNA is after SND.NXT";
  if (tcb.state == State::kSynSent) return in_flight(tcb) <= 1 ? nullptr : "SYN_SENT has more than a SYN in flight";
  if (tcb.rcv_nxt.before(tcb.last_ack_sent)) return "RCV.NXT is before Last.ACK.sent";
  if (tcb.rcv_nxt.after(right_edge(tcb) + 1)) return "RCV.NXT is beyond the window and the FIN behind it";
  if ((tcb.flags & kFinSent) == 0 && queue_end(tcb).before(tcb.snd_nxt)) return "SND.NXT is beyond what is queued";
  if (tcb.max_snd_wnd < tcb.snd_wnd) return "SND.WND is larger than the largest seen";
  return nullptr;
}

const char* broken_send_queue(const Tcb& tcb) noexcept {
  if ((tcb.snd_head == nullptr) != (tcb.snd_queued == 0)) return "send queue and its size disagree";
  if (tcb.snd_head == nullptr) {
    return tcb.snd_tail == nullptr && tcb.snd_cursor == nullptr ? nullptr : "empty send queue has a tail or a cursor";
  }
  const SeqNum first = tcb.snd_una + (syn_unacked(tcb) ? 1U : 0U);
  if (tcb.snd_head->seq.after(first)) return "send queue begins after SND.UNA";
  if (!(tcb.snd_head->seq + tcb.snd_head->len).after(first)) return "send queue keeps an acknowledged buffer";
  std::uint32_t bytes = 0;
  SeqNum seq = tcb.snd_head->seq;
  bool cursor_seen = tcb.snd_cursor == nullptr;
  const Buf* last = nullptr;
  for (const Buf* buf = tcb.snd_head; buf != nullptr; buf = buf->next) {
    if (buf->seq != seq) return "send queue has a gap";
    if (buf->len == 0) return "send queue holds an empty buffer";
    if (buf->refs == 0) return "send queue holds a released buffer";
    cursor_seen = cursor_seen || buf == tcb.snd_cursor;
    seq += buf->len;
    bytes += buf->len;
    last = buf;
  }
  if (last != tcb.snd_tail) return "send queue's tail is not its last buffer";
  if (bytes - (first - tcb.snd_head->seq) != tcb.snd_queued) return "send queue's bytes are not SND's sum";
  if (!cursor_seen) return "send cursor is not in the queue";
  const bool ahead = tcb.snd_cursor != nullptr && tcb.snd_cursor->seq.after(tcb.snd_nxt);
  return ahead ? "send cursor is beyond SND.NXT" : nullptr;
}

const char* broken_receive_queue(const Tcb& tcb) noexcept {
  if ((tcb.rcv_head == nullptr) != (tcb.rcv_queued == 0)) return "receive queue and its size disagree";
  std::uint32_t bytes = 0;
  const Buf* last = nullptr;
  for (const Buf* buf = tcb.rcv_head; buf != nullptr; buf = buf->next) {
    if (buf->len == 0 || buf->refs == 0) return "receive queue holds an empty or released buffer";
    if (last != nullptr && buf->seq != last->seq + last->len) return "receive queue has a gap";
    bytes += buf->len;
    last = buf;
  }
  if (last != tcb.rcv_tail) return "receive queue's tail is not its last buffer";
  return bytes == tcb.rcv_queued ? nullptr : "receive queue's bytes are not its size";
}

// What we told the peer to have: disjoint, ahead of RCV.NXT.
const char* broken_blocks(const Tcb& tcb, const Side& side) noexcept {
  for (unsigned i = 0; i < side.n_recent; ++i) {
    const wire::SackBlock& block = side.recent[i];
    if (!block.left.before(block.right) || !block.left.after(tcb.rcv_nxt)) return "SACK block is empty or in order";
    for (unsigned k = 0; k < i; ++k) {
      const wire::SackBlock& other = side.recent[k];
      if (!block.right.before(other.left) && !other.right.before(block.left)) return "SACK blocks overlap or touch";
    }
  }
  return nullptr;
}

const char* broken_side(const Tcb& tcb, const Side& side) noexcept {
  std::uint32_t bytes = 0;
  std::uint32_t bufs = 0;
  const Buf* last = nullptr;
  const Buf* run = nullptr;
  auto near = std::ranges::count(side.ooo_near, nullptr);
  for (const Buf* buf = side.ooo_head; buf != nullptr; buf = buf->next) {
    if (!buf->seq.after(tcb.rcv_nxt)) return "out-of-order data is not ahead of a gap";
    if (last != nullptr && buf->seq.before(last->seq + last->len)) return "out-of-order data overlaps";
    if (last == nullptr || buf->seq != last->seq + last->len) {
      if (run != nullptr && run->run_last != last) return "a run ahead of a gap does not know its last buffer";
      run = buf;
      near += std::ranges::count(side.ooo_near, run);
    }
    bytes += buf->len;
    ++bufs;
    last = buf;
  }
  if (bytes != side.ooo_bytes || bufs != side.ooo_bufs) return "out-of-order data and its count disagree";
  if (run != nullptr && run->run_last != last) return "a run ahead of a gap does not know its last buffer";
  if (run != side.ooo_last) return "the last run ahead of a gap is another";
  if (near != std::ssize(side.ooo_near)) return "a run to go on from is none";
  const bool fin_waits = (tcb.flags & kFinOutOfOrder) != 0;
  if (fin_waits && !side.fin_seq.after(tcb.rcv_nxt)) return "FIN ahead of a gap is not ahead";
  if ((side.n_recent != 0) != (bufs != 0 || fin_waits)) return "SACK blocks and out-of-order data disagree";
  return nullptr;
}

// What is outstanding, told once and whole.
const char* broken_map(const Tcb& tcb, const Env& env) noexcept {
  if (tcb.sends == kNoIndex) return nullptr;
  if (tcb.sends >= env.maps.capacity()) return "send map's index is beyond its slab";
  SendMap& map = env.maps[tcb.sends];
  const SendRecords records(map, tcb.snd_una, env.more_sends);
  if (records.size() == 0 || in_flight(tcb) == 0) return "send map of nothing";
  if (!records.consistent()) return "send map and its blocks disagree";
  if (records.size() > SendRecords::kMaxRecords) return "send map is beyond its bound";
  std::uint32_t sacked = 0;
  std::uint32_t lost = 0;
  for (unsigned i = 0; i < records.size(); ++i) {
    if (!records.begin(i).before(records[i].end)) return "send map holds an empty stretch";
    sacked += records[i].fate == Fate::kSacked ? records.bytes(i) : 0;
    lost += records[i].fate == Fate::kLost ? records.bytes(i) : 0;
    if (records[i].fate == Fate::kLost && !records[i].end.after(map.lost_from)) return "a lost stretch would not be found";
  }
  if (records[records.size() - 1].end != tcb.snd_nxt) return "send map does not end at SND.NXT";
  if (records[0].fate == Fate::kSacked) return "SND.UNA is reported as received";
  if (sacked != map.sacked || lost != map.lost) return "send map and its sums disagree";
  if (map.fack.before(tcb.snd_una) || map.fack.after(tcb.snd_nxt)) return "highest number reported is not outstanding";
  if ((map.flags & kProbing) != 0 && map.tlp_end.after(tcb.snd_nxt)) return "tail loss probe beyond SND.NXT";
  if ((tcb.flags & (kInRecovery | kInRtoRecovery)) == 0) {
    return lost != 0 && (tcb.flags & kPersist) == 0 ? "a loss that nothing recovers" : nullptr;
  }
  if (!map.recover.after(tcb.snd_una)) return "recovery goes on after its end";
  if ((tcb.flags & kInRecovery) != 0 && map.recover_fs == 0) return "recovery of nothing";
  return map.recover.after(tcb.snd_nxt) ? "recovery ends beyond SND.NXT" : nullptr;
}

// Which flags a state may have.
const char* broken_flags(const Tcb& tcb) noexcept {
  const std::uint32_t flags = tcb.flags;
  const bool fin_queued = (flags & kFinQueued) != 0;
  const bool fin_received = (flags & kFinReceived) != 0;
  if ((flags & kFinSent) != 0 && !fin_queued) return "FIN sent and never queued";
  if ((flags & (kInRecovery | kInRtoRecovery)) == (kInRecovery | kInRtoRecovery)) return "two recoveries at once";
  if ((flags & (kInRecovery | kInRtoRecovery)) != 0 && tcb.sends == kNoIndex) return "recovery without a send map";
  if (tcb.sends != kNoIndex && (flags & (kRttTiming | kUntimed)) != 0) return "two accounts of what is outstanding";
  if ((flags & kPto) != 0 && (flags & kReoTimer) != 0) return "one timer for two things";
  if ((flags & kRexmtOne) != 0 && in_flight(tcb) == 0) return "retransmission of nothing";
  if ((flags & kFinOutOfOrder) != 0 && (fin_received || tcb.side == kNoIndex)) return "FIN ahead of a gap, and no gap";
  switch (tcb.state) {
    case State::kClosed:
    case State::kListen: return nullptr;
    case State::kSynSent:
    case State::kSynRcvd: return fin_queued || fin_received ? "FIN before the handshake's end" : nullptr;
    case State::kEstablished: return fin_queued || fin_received ? "FIN in ESTABLISHED" : nullptr;
    case State::kFinWait1: return !fin_queued || fin_received ? "FIN_WAIT_1 and its FINs disagree" : nullptr;
    case State::kFinWait2: return !fin_acked(tcb) || fin_received ? "FIN_WAIT_2 and its FINs disagree" : nullptr;
    case State::kCloseWait: return fin_queued || !fin_received ? "CLOSE_WAIT and its FINs disagree" : nullptr;
    case State::kClosing:
    case State::kLastAck: return !fin_queued || !fin_received ? "CLOSING or LAST_ACK lacks a FIN" : nullptr;
    case State::kTimeWait: return !fin_acked(tcb) || !fin_received ? "TIME_WAIT lacks a FIN" : nullptr;
  }
  return nullptr;
}

const char* broken_timers(const Tcb& tcb) noexcept {
  const bool armed = tcb.t_rexmt.armed();
  if (tcb.state == State::kClosed) return next_deadline(tcb).armed() ? "CLOSED has a timer" : nullptr;
  if (tcb.state == State::kTimeWait) return armed || !tcb.t_long.armed() ? "TIME_WAIT has not its one timer" : nullptr;
  if (in_flight(tcb) != 0 && !armed) return "outstanding, and no retransmission timer";
  if (in_flight(tcb) == 0 && armed && (tcb.flags & kPersist) == 0) return "retransmission timer for nothing";
  if ((tcb.flags & kPersist) != 0 && !armed) return "probing without a timer";
  if ((tcb.flags & (kPto | kReoTimer)) != 0 && !armed) return "probe or reordering timer is not armed";
  if ((tcb.flags & (kPto | kReoTimer)) != 0 && (tcb.flags & kPersist) != 0) return "two uses of one timer";
  if ((tcb.flags & kAckDelayed) != 0 && !tcb.t_delack.armed()) return "delayed acknowledgment without a timer";
  return nullptr;
}

}  // namespace

const char* broken_invariant(const Tcb& tcb, const Env& env) noexcept {
  if (tcb.state == State::kClosed) return broken_timers(tcb);
  for (const char* (*check)(const Tcb&) :
       {&broken_numbers, &broken_send_queue, &broken_receive_queue, &broken_flags, &broken_timers}) {
    if (const char* broken = check(tcb)) return broken;
  }
  if (const char* broken = broken_map(tcb, env)) return broken;
  if (tcb.side == kNoIndex) return nullptr;
  const Side& side = static_cast<const Slab<Side>&>(env.sides)[tcb.side];
  const char* broken = broken_side(tcb, side);
  return broken != nullptr ? broken : broken_blocks(tcb, side);
}

}  // namespace sluice::tcp
