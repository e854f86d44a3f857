// SPDX-License-Identifier: BSD-3-Clause
// Received text: the queue in order, and in the side block what lies ahead of a gap
// (sorted, disjoint, in runs without a gap) with the SACK blocks that tell the peer of it.
// Where bytes overlap: in order, what arrives wins over what is queued ahead of the
// gap; ahead of the gap, what is queued wins unless its run is covered whole. Either way no
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

// Runs that are passed on the way to a segment's place.
constexpr unsigned kMaxRunsPassed = 128;
// As many on are of the same stream of segments; farther on is another.
constexpr unsigned kSameStream = 8;

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

// --- runs: the first buffer of each knows the last ---

SeqNum run_end(const Buf& run) noexcept { return end_of(*run.run_last); }
// The run behind `run`, or the first one behind null.
Buf* next_run(const Side& side, const Buf* run) noexcept { return run == nullptr ? side.ooo_head : run->run_last->next; }

// --- SACK blocks (RFC 2018 4): whole runs of what is held, the one that changed last in front ---

void remove_block(Side& side, unsigned i) noexcept {
  std::copy(side.recent + i + 1, side.recent + side.n_recent, side.recent + i);
  --side.n_recent;
}

// Something has joined the run, or the FIN, that [left, right) is now; or it was there already.
void note_block(const Tcb& tcb, Side& side, SeqNum left, SeqNum right) noexcept {
  wire::SackBlock block{left, right};
  for (unsigned i = side.n_recent; i-- > 0;) {
    const wire::SackBlock known = side.recent[i];
    if (known.right.before(left) || known.left.after(right)) continue;
    block.left = earlier(block.left, known.left);
    block.right = later(block.right, known.right);
    remove_block(side, i);
  }
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
    note_block(tcb, side, side.ooo_head->seq, run_end(*side.ooo_head));
  } else if ((tcb.flags & kFinOutOfOrder) != 0 && side.fin_seq.after(tcb.rcv_nxt)) {
    note_block(tcb, side, side.fin_seq, side.fin_seq + 1);
  }
}

// --- the list ahead of the gap ---

void account_gone(Side& side, const Buf& buf, Env& env) noexcept {
  side.ooo_bytes -= buf.len;
  --side.ooo_bufs;
  --env.ooo_bufs;
}

// `was` begins a run no longer.
void replace_near(Side& side, const Buf* was, Buf* is) noexcept {
  for (Buf*& near : side.ooo_near) {
    if (near == was) near = is;
  }
}

// What is left of the first run keeps its end.
Buf* pop_front(Side& side, Env& env) noexcept {
  Buf* buf = side.ooo_head;
  Buf* const rest = buf->run_last != buf ? buf->next : nullptr;
  if (rest != nullptr) rest->run_last = buf->run_last;
  if (side.ooo_last == buf) side.ooo_last = rest;
  replace_near(side, buf, rest);
  side.ooo_head = buf->next;
  account_gone(side, *buf, env);
  return buf;
}

// `dropped` is a run, `before` the one in front of it, or null.
void drop_run(Side& side, Buf* before, Buf* dropped, Env& env) noexcept {
  Buf* const behind = dropped->run_last->next;
  (before == nullptr ? side.ooo_head : before->run_last->next) = behind;
  if (side.ooo_last == dropped) side.ooo_last = before;
  replace_near(side, dropped, before);
  while (dropped != behind) {
    Buf* gone = std::exchange(dropped, dropped->next);
    account_gone(side, *gone, env);
    env.bufs.release(gone);
  }
}

// RCV.NXT has reached the list: moves over what is in order now.
void absorb(Tcb& tcb, Side& side, Env& env) noexcept {
  while (side.ooo_head != nullptr && !side.ooo_head->seq.after(tcb.rcv_nxt)) {
    Buf* buf = pop_front(side, env);
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

// The last run that begins at or before `seq`, null for none. False when it lies too many runs in to be looked for; the next
// search may go on from there.
bool find_run(Side& side, SeqNum seq, Buf*& run) noexcept {
  run = side.ooo_last;
  if (run == nullptr || !run->seq.after(seq)) return true;
  Buf* from = nullptr;
  for (Buf* near : side.ooo_near) {
    if (near != nullptr && !near->seq.after(seq) && (from == nullptr || near->seq.after(from->seq))) from = near;
  }
  run = from;
  unsigned passed = 0;
  for (Buf* next = next_run(side, run); !next->seq.after(seq); next = next_run(side, run)) {  // the last one ends this
    if (++passed > kMaxRunsPassed) break;
    run = next;
  }
  if (run == nullptr) return true;
  if (side.ooo_near[0] != from || passed > kSameStream) side.ooo_near[1] = side.ooo_near[0];
  side.ooo_near[0] = run;
  return passed <= kMaxRunsPassed;
}

// Takes away what is held already, in `run` and behind it; false when nothing is left of the segment.
bool cut_known(Tcb& tcb, Side& side, Segment& segment, Buf* run, Env& env) noexcept {
  if (run != nullptr && run_end(*run).after(segment.seq)) {
    const std::uint32_t known = std::min(segment.len, run_end(*run) - segment.seq);
    note_duplicate(tcb, segment.seq, segment.seq + known, env);
    if (known == segment.len) {  // RFC 2883 4: the block that holds it follows the duplicate
      note_block(tcb, side, run->seq, run_end(*run));
      return false;
    }
    trim_front(segment, known);
  }
  const SeqNum end = segment.seq + segment.len;
  for (Buf* next = next_run(side, run); next != nullptr && next->seq.before(end); next = next_run(side, run)) {
    note_duplicate(tcb, next->seq, earlier(end, run_end(*next)), env);
    if (run_end(*next).after(end)) {
      trim_back(segment, end - next->seq);
      break;
    }
    drop_run(side, run, next, env);
  }
  return true;
}

// Room for one more buffer: by this connection's share, by that of all, and while there are buffers at all.
bool may_hold(const Tcb& tcb, const Side& side, Env& env) noexcept {
  return side.ooo_bufs < ooo_limit(tcb, env) && env.ooo_bufs < env.ooo_bufs_max && !env.bufs.scarce();
}

Verdict refuse(Env& env) noexcept {
  ++env.counters.ooo_dropped;
  return Verdict::kDataRefused;
}

// Deviation: RFC 9293 3.10.7.4 would have what lies in the window kept. Ahead of a gap it is not, beyond the bounds of
// memory and of work a packet; the peer sends it again. Pinned by HolesBeyondTheBoundAreLeftToThePeer.
Verdict out_of_order(Tcb& tcb, Segment& segment, Env& env) noexcept {
  tcb.flags |= kAckNow;  // RFC 5681 4.2
  Side* side = need_side(tcb, env);
  if (side == nullptr) return refuse(env);
  Buf* run = nullptr;
  if (!find_run(*side, segment.seq, run)) [[unlikely]] return refuse(env);
  const std::uint32_t held = side->ooo_bufs;
  if (!cut_known(tcb, *side, segment, run, env)) return Verdict::kDataDuplicate;
  Buf* const next = next_run(*side, run);
  const bool touches = run != nullptr && run_end(*run) == segment.seq;
  const bool reaches = next != nullptr && next->seq == segment.seq + segment.len;
  if (!touches || !copy_behind(run->run_last, *segment.payload)) {
    // What took the place of others must stay: the peer knows of them.
    if (side->ooo_bufs == held && !may_hold(tcb, *side, env)) {
      drop_idle_side(tcb, env);
      return refuse(env);
    }
    Buf* buf = std::exchange(segment.payload, nullptr);
    buf->seq = segment.seq;
    buf->run_last = buf;
    Buf*& link = run == nullptr ? side->ooo_head : run->run_last->next;
    buf->next = link;
    link = buf;
    ++side->ooo_bufs;
    ++env.ooo_bufs;
    if (touches) {
      run->run_last = buf;
    } else {
      run = buf;
      if (next == nullptr) side->ooo_last = run;
    }
  }
  side->ooo_bytes += segment.len;
  if (reaches) {
    run->run_last = next->run_last;
    if (side->ooo_last == next) side->ooo_last = run;
    replace_near(*side, next, run);
  }
  note_block(tcb, *side, run->seq, run_end(*run));
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
  Buf* there = nullptr;
  if (!find_run(*side, fin_seq, there)) return false;
  if (there != nullptr && run_end(*there).after(fin_seq)) return true;
  side->fin_seq = fin_seq;
  const bool touches = there != nullptr && run_end(*there) == fin_seq;
  note_block(tcb, *side, touches ? there->seq : fin_seq, fin_seq + 1);
  tcb.flags |= kFinOutOfOrder;
  return true;
}

void drop_out_of_order(Tcb& tcb, Env& env) noexcept {
  Side* side = side_of(tcb, env);
  if (side == nullptr) return;
  env.bufs.release_all(side->ooo_head);
  env.ooo_bufs -= side->ooo_bufs;
  side->ooo_head = side->ooo_last = side->ooo_near[0] = side->ooo_near[1] = nullptr;
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
