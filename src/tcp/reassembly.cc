// SPDX-License-Identifier: BSD-3-Clause
// Received text: the queue in order, and in the side block what lies ahead of a gap
// (sorted, disjoint) with the SACK blocks that tell the peer of it.
// Where bytes overlap: in order, what arrives wins over what is queued ahead of the
// gap; ahead of the gap, what is queued wins unless it is covered whole. Either way no
// buffer is ever split.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "tcp/input.h"

namespace sluice::tcp {

namespace {

// Payloads up to here are copied behind the queue's last byte where there is room, so that streams of tiny
// segments take memory by their bytes and not by their number.
constexpr std::uint32_t kCopyMax = 256;

SeqNum end_of(const Buf& buf) noexcept { return buf.seq + buf.len; }

bool copy_behind(Buf* tail, const Buf& buf) noexcept {
  if (tail == nullptr || buf.len > kCopyMax || tail->refs != 1 || (tail->flags & kLent) != 0) return false;
  if (tail->tailroom() < buf.len) return false;
  std::memcpy(tail->end(), buf.data, buf.len);
  tail->len += buf.len;
  return true;
}

// Buffers that may lie ahead of a gap: enough for half-full segments, not for a stream of single bytes.
std::uint32_t ooo_limit(const Tcb& tcb, const Env& env) noexcept { return env.of(tcb).rcvbuf / 512 + 64; }

// Takes `buf`, whose first byte is RCV.NXT.
void append(Tcb& tcb, Buf* buf, Env& env) noexcept {
  tcb.rcv_nxt += buf->len;
  if ((tcb.flags & (kRcvShutdown | kAppClosed)) != 0) {
    env.bufs.release(buf);
    return;
  }
  env.events |= kEventReadable;
  tcb.rcv_queued += buf->len;
  if (copy_behind(tcb.rcv_tail, *buf)) {
    env.bufs.release(buf);
    return;
  }
  buf->next = nullptr;
  (tcb.rcv_tail == nullptr ? tcb.rcv_head : tcb.rcv_tail->next) = buf;
  tcb.rcv_tail = buf;
}

// --- SACK blocks (RFC 2018 4): whole runs of what is held, the one that changed last in front ---

void remove_block(Side& side, unsigned i) noexcept {
  std::copy(side.recent + i + 1, side.recent + side.n_recent, side.recent + i);
  --side.n_recent;
}

// Where the run that ends in `last` begins; a walk for the rare run that is no block any more.
SeqNum run_begin(const Side& side, const Buf* last) noexcept {
  SeqNum begin = side.ooo_head->seq;
  for (const Buf* buf = side.ooo_head; buf != last; buf = buf->next) {
    if (end_of(*buf) != buf->next->seq) begin = buf->next->seq;
  }
  return begin;
}
SeqNum run_end(const Buf* first) noexcept {
  while (first->next != nullptr && first->next->seq == end_of(*first)) first = first->next;
  return end_of(*first);
}

// [left, right) has joined what is held; `before` and `behind` are its neighbours in the list if they
// touch it, or the buffer that has it already.
void note_block(const Tcb& tcb, Side& side, SeqNum left, SeqNum right, const Buf* before, const Buf* behind) noexcept {
  wire::SackBlock block{left, right};
  for (unsigned i = side.n_recent; i-- > 0;) {
    const wire::SackBlock known = side.recent[i];
    if (known.right.before(left) || known.left.after(right)) continue;
    block.left = earlier(block.left, known.left);
    block.right = later(block.right, known.right);
    remove_block(side, i);
  }
  if (before != nullptr && block.left == left) block.left = run_begin(side, before);
  if (behind != nullptr && block.right == right) block.right = run_end(behind);
  if ((tcb.flags & kFinOutOfOrder) != 0 && block.right == side.fin_seq) block.right += 1;
  if (side.n_recent == std::size(side.recent)) --side.n_recent;
  std::copy_backward(side.recent, side.recent + side.n_recent, side.recent + side.n_recent + 1);
  side.recent[0] = block;
  ++side.n_recent;
}

// Blocks that RCV.NXT has passed are no news. When none is left of the four, the lowest run that had to give
// way to newer ones is reported again: it is what the peer will come to next.
void forget_blocks(const Tcb& tcb, Side& side) noexcept {
  for (unsigned i = side.n_recent; i-- > 0;) {
    if (!side.recent[i].right.after(tcb.rcv_nxt)) {
      remove_block(side, i);
    } else {
      side.recent[i].left = later(side.recent[i].left, tcb.rcv_nxt);
    }
  }
  if (side.n_recent != 0) return;
  if (side.ooo_head != nullptr) {
    note_block(tcb, side, side.ooo_head->seq, run_end(side.ooo_head), nullptr, nullptr);
  } else if ((tcb.flags & kFinOutOfOrder) != 0 && side.fin_seq.after(tcb.rcv_nxt)) {
    note_block(tcb, side, side.fin_seq, side.fin_seq + 1, nullptr, nullptr);
  }
}

// --- the list ahead of the gap ---

void unlink_behind(Side& side, Buf* before, Buf* buf) noexcept {
  (before == nullptr ? side.ooo_head : before->next) = buf->next;
  if (side.ooo_tail == buf) side.ooo_tail = before;
  side.ooo_bytes -= buf->len;
  --side.ooo_bufs;
}

// RCV.NXT has reached the list: moves over what is in order now.
void absorb(Tcb& tcb, Side& side, Env& env) noexcept {
  while (side.ooo_head != nullptr && !side.ooo_head->seq.after(tcb.rcv_nxt)) {
    Buf* buf = side.ooo_head;
    unlink_behind(side, nullptr, buf);
    const std::uint32_t overlap = std::min(tcb.rcv_nxt - buf->seq, buf->len);
    if (overlap > 0) note_duplicate(tcb, buf->seq, buf->seq + overlap, env);
    if (overlap == buf->len) {
      env.bufs.release(buf);
      continue;
    }
    buf->seq += overlap;
    buf->data += overlap;
    buf->len -= overlap;
    append(tcb, buf, env);
  }
  forget_blocks(tcb, side);
}

Verdict in_order(Tcb& tcb, Segment& segment, Env& env) noexcept {
  Buf* buf = std::exchange(segment.payload, nullptr);
  buf->seq = segment.seq;
  append(tcb, buf, env);
  Side* side = side_of(tcb, env);
  if (side != nullptr && (side->ooo_head != nullptr || (tcb.flags & kFinOutOfOrder) != 0)) {
    tcb.flags |= kAckNow;  // RFC 5681 4.2: a segment that fills a gap, or part of one
    absorb(tcb, *side, env);
    drop_idle_side(tcb, env);
    return Verdict::kData;
  }
  acknowledge_later(tcb, env);
  if (tcb.quickacks != 0) tcb.quickacks = (tcb.quickacks - 1U) & 0x1fU;
  return Verdict::kData;
}

// The place of `seq` in the list: the last buffer that begins at or before it, null for the front.
Buf* find_before(const Side& side, SeqNum seq) noexcept {
  if (side.ooo_tail != nullptr && !side.ooo_tail->seq.after(seq)) return side.ooo_tail;
  Buf* before = nullptr;
  for (Buf* buf = side.ooo_head; buf != nullptr && !buf->seq.after(seq); buf = buf->next) before = buf;
  return before;
}

// Takes away what the list has already; false when nothing is left of the segment.
bool cut_known(Tcb& tcb, Side& side, Segment& segment, Buf* before, Env& env) noexcept {
  if (before != nullptr && end_of(*before).after(segment.seq)) {
    const std::uint32_t known = std::min(segment.len, end_of(*before) - segment.seq);
    note_duplicate(tcb, segment.seq, segment.seq + known, env);
    if (known == segment.len) {  // RFC 2883 4: the block that holds it follows the duplicate
      note_block(tcb, side, segment.seq, segment.seq + known, before, before);
      return false;
    }
    trim_front(segment, known);
  }
  const SeqNum end = segment.seq + segment.len;
  for (Buf* next = before == nullptr ? side.ooo_head : before->next; next != nullptr && next->seq.before(end);
       next = before == nullptr ? side.ooo_head : before->next) {
    note_duplicate(tcb, next->seq, earlier(end, end_of(*next)), env);
    if (end_of(*next).after(end)) {
      trim_back(segment, end - next->seq);
      break;
    }
    unlink_behind(side, before, next);
    env.bufs.release(next);
  }
  return true;
}

Verdict out_of_order(Tcb& tcb, Segment& segment, Env& env) noexcept {
  tcb.flags |= kAckNow;  // RFC 5681 4.2
  Side* side = need_side(tcb, env);
  if (side == nullptr) {
    ++env.counters.ooo_dropped;
    return Verdict::kDataRefused;
  }
  Buf* before = find_before(*side, segment.seq);
  if (!cut_known(tcb, *side, segment, before, env)) return Verdict::kDataDuplicate;
  const SeqNum end = segment.seq + segment.len;
  const bool touches = before != nullptr && end_of(*before) == segment.seq;
  if (!touches || !copy_behind(before, *segment.payload)) {
    if (side->ooo_bufs >= ooo_limit(tcb, env)) {
      ++env.counters.ooo_dropped;
      return Verdict::kDataRefused;
    }
    Buf* buf = std::exchange(segment.payload, nullptr);
    buf->seq = segment.seq;
    Buf*& link = before == nullptr ? side->ooo_head : before->next;
    buf->next = link;
    link = buf;
    if (buf->next == nullptr) side->ooo_tail = buf;
    ++side->ooo_bufs;
    if (!touches) before = nullptr;
    side->ooo_bytes += segment.len;
    const Buf* behind = buf->next != nullptr && buf->next->seq == end ? buf->next : nullptr;
    note_block(tcb, *side, segment.seq, end, before, behind);
    return Verdict::kDataOutOfOrder;
  }
  side->ooo_bytes += segment.len;
  const Buf* behind = before->next != nullptr && before->next->seq == end ? before->next : nullptr;
  note_block(tcb, *side, segment.seq, end, before, behind);
  return Verdict::kDataOutOfOrder;
}

}  // namespace

Verdict reassemble(Tcb& tcb, Segment& segment, Env& env) noexcept {
  DCHECK(!segment.seq.before(tcb.rcv_nxt) && segment.len > 0 && segment.payload != nullptr);
  return segment.seq == tcb.rcv_nxt ? in_order(tcb, segment, env) : out_of_order(tcb, segment, env);
}

void note_duplicate(Tcb& tcb, SeqNum left, SeqNum right, Env& env) noexcept {
  if ((tcb.flags & kSackOk) == 0 || left == right) return;
  Side* side = need_side(tcb, env);
  if (side == nullptr) return;
  if (side->has_dsack != 0 && side->dsack.right == left) {
    side->dsack.right = right;
    return;
  }
  side->dsack = {left, right};
  side->has_dsack = 1;
}

bool hold_fin(Tcb& tcb, SeqNum fin_seq, Env& env) noexcept {
  if ((tcb.flags & kFinOutOfOrder) != 0) return true;  // the first one counts
  Side* side = need_side(tcb, env);
  if (side == nullptr) return false;
  // Text in its very place is held: the peer contradicts itself, and what was there first stays. RCV.NXT
  // would pass the FIN otherwise.
  const Buf* there = find_before(*side, fin_seq);
  if (there != nullptr && end_of(*there).after(fin_seq)) return true;
  side->fin_seq = fin_seq;
  const Buf* before = side->ooo_tail != nullptr && end_of(*side->ooo_tail) == fin_seq ? side->ooo_tail : nullptr;
  note_block(tcb, *side, fin_seq, fin_seq + 1, before, nullptr);
  tcb.flags |= kFinOutOfOrder;
  return true;
}

void drop_out_of_order(Tcb& tcb, Env& env) noexcept {
  Side* side = side_of(tcb, env);
  if (side == nullptr) return;
  env.bufs.release_all(side->ooo_head);
  side->ooo_head = side->ooo_tail = nullptr;
  side->ooo_bytes = side->ooo_bufs = 0;
  side->n_recent = 0;
  drop_idle_side(tcb, env);
}

unsigned sack_blocks(Tcb& tcb, Env& env, wire::SackBlock* out, unsigned max) noexcept {
  Side* side = side_of(tcb, env);
  if (side == nullptr || max == 0 || (tcb.flags & kSackOk) == 0) return 0;
  unsigned n = 0;
  if (side->has_dsack != 0) {
    out[n++] = side->dsack;
    side->has_dsack = 0;
  }
  for (unsigned i = 0; i < side->n_recent && n < max; ++i) out[n++] = side->recent[i];
  drop_idle_side(tcb, env);
  return n;
}

}  // namespace sluice::tcp
