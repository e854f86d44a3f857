// SPDX-License-Identifier: BSD-3-Clause
// Loss: fast retransmit and fast recovery, by NewReno (RFC 6582) or by the scoreboard
// (RFC 6675), limited transmit (RFC 3042), and the walk over everything outstanding
// that follows a timeout. SND.NXT never goes back; Side::rexmt_nxt is where
// retransmission stands. Without a side block (their slab is empty) one segment is
// retransmitted a timeout or fast retransmit.
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr unsigned kDupThresh = 3;

const Side* side_of(const Tcb& tcb, const Env& env) noexcept {
  return tcb.side == kNoIndex ? nullptr : &static_cast<const Slab<Side>&>(env.sides)[tcb.side];
}

void enter_recovery(Tcb& tcb, Env& env) noexcept {
  ++env.counters.fast_retransmits;
  congestion::loss(tcb, in_flight(tcb), env);
  tcb.flags |= kRexmtOne;
  restart_rexmt(tcb, env);
  Side* side = need_side(tcb, env);
  if (side == nullptr) {
    tcb.dupacks = 0;
    return;
  }
  tcb.flags |= kInRecovery;
  side->recover = tcb.snd_nxt;
  side->rexmt_nxt = tcb.snd_una;
  if (side->n_sacked != 0) {
    tcb.flags |= kSackRecovery;
  } else {
    congestion::inflate(tcb, kDupThresh * smss(tcb));
  }
}

void on_ack_in_recovery(Tcb& tcb, const Side& side, std::uint32_t acked, Env& env) noexcept {
  if (!tcb.snd_una.before(side.recover)) {
    tcb.flags &= ~(kInRecovery | kSackRecovery);
    congestion::recovered(tcb, in_flight(tcb), env);
    return;
  }
  // A partial acknowledgment: the segment at SND.UNA is missing too. With marks they tell what is missing.
  if ((tcb.flags & kSackRecovery) == 0) {
    congestion::deflate(tcb, acked);
    tcb.flags |= kRexmtOne;
  } else if (side.n_sacked == 0 && !side.rexmt_nxt.after(tcb.snd_una)) {
    tcb.flags |= kRexmtOne;
  }
}

}  // namespace

std::uint32_t pipe(const Tcb& tcb, const Env& env) noexcept {
  const Side* side = side_of(tcb, env);
  if (side == nullptr) return in_flight(tcb);
  const SeqNum retransmitted = later(side->rexmt_nxt, tcb.snd_una);
  if ((tcb.flags & kInRtoRecovery) != 0) {  // all that was outstanding then is taken for lost
    return unsacked(*side, tcb.snd_una, retransmitted) + unsacked(*side, side->recover, tcb.snd_nxt);
  }
  if ((tcb.flags & kSackRecovery) != 0) {  // RFC 6675 4, SetPipe()
    const SeqNum lost = later(lost_edge(*side, tcb.snd_una, smss(tcb)), tcb.snd_una);
    return unsacked(*side, lost, tcb.snd_nxt) + unsacked(*side, tcb.snd_una, retransmitted);
  }
  return in_flight(tcb);
}

std::uint32_t send_allowance(const Tcb& tcb) noexcept {
  const bool limited_transmit = tcb.dupacks > 0 && tcb.dupacks < kDupThresh && (tcb.flags & kInRecovery) == 0;
  return tcb.cwnd + (limited_transmit ? tcb.dupacks * smss(tcb) : 0);
}

void on_duplicate_ack(Tcb& tcb, Env& env) noexcept {
  if ((tcb.flags & (kInRtoRecovery | kPersist)) != 0) return;
  if ((tcb.flags & kInRecovery) != 0) {
    if ((tcb.flags & kSackRecovery) == 0) congestion::inflate(tcb, smss(tcb));
    return;
  }
  if (tcb.dupacks < kDupThresh) tcb.dupacks = (tcb.dupacks + 1U) & 7U;
  const Side* side = side_of(tcb, env);
  const bool lost = side != nullptr && lost_edge(*side, tcb.snd_una, smss(tcb)).after(tcb.snd_una);
  if (tcb.dupacks >= kDupThresh || lost) enter_recovery(tcb, env);
}

void on_new_ack(Tcb& tcb, const AckSample& sample, Env& env) noexcept {
  tcb.dupacks = 0;
  Side* side = tcp::side_of(tcb, env);
  if ((tcb.flags & kInRecovery) != 0) {
    on_ack_in_recovery(tcb, *side, sample.acked, env);
  } else {
    congestion::acked(tcb, sample, env);
  }
  if ((tcb.flags & kInRtoRecovery) != 0 && !tcb.snd_una.before(side->recover)) tcb.flags &= ~kInRtoRecovery;
  if (in_flight(tcb) == 0) tcb.flags &= ~kRexmtOne;
  drop_idle_side(tcb, env);
}

void retransmit_all(Tcb& tcb, Env& env) noexcept {
  tcb.flags &= ~(kInRecovery | kSackRecovery | kInRtoRecovery);
  tcb.dupacks = 0;
  Side* side = tcp::side_of(tcb, env);
  if (side != nullptr) side->n_sacked = 0;  // RFC 2018 8: the peer may have thrown it away
  if (in_flight(tcb) > smss(tcb)) side = need_side(tcb, env);
  if (in_flight(tcb) <= smss(tcb) || side == nullptr) {
    tcb.flags |= kRexmtOne;
    drop_idle_side(tcb, env);
    return;
  }
  tcb.flags |= kInRtoRecovery;
  side->recover = tcb.snd_nxt;
  side->rexmt_nxt = tcb.snd_una;
}

wire::SackBlock next_retransmission(const Tcb& tcb, const Env& env) noexcept {
  const SeqNum una = tcb.snd_una;
  const std::uint32_t full = smss(tcb);
  const Side* side = side_of(tcb, env);
  if ((tcb.flags & kRexmtOne) != 0) {
    const SeqNum end = side == nullptr ? tcb.snd_nxt : next_hole(*side, una, tcb.snd_nxt).right;
    return {una, earlier(end, una + full)};
  }
  wire::SackBlock hole{una, una};
  if ((tcb.flags & kInRtoRecovery) != 0) {
    hole = next_hole(*side, later(side->rexmt_nxt, una), side->recover);
  } else if ((tcb.flags & kSackRecovery) != 0 && side->n_sacked != 0) {
    // RFC 6675 4, NextSeg(): what is lost, then new data, then what may be lost.
    const SeqNum limit = earlier(side->sacked[side->n_sacked - 1].left, side->recover);
    hole = next_hole(*side, later(side->rexmt_nxt, una), limit);
    const bool lost = hole.left.before(lost_edge(*side, una, full));
    if (!lost && unsent(tcb) != 0 && window_left(tcb) != 0) return {una, una};
  }
  hole.right = earlier(hole.right, hole.left + full);
  if (!hole.left.before(hole.right)) return {una, una};
  const std::uint32_t in_network = pipe(tcb, env);
  const bool fits = in_network == 0 || in_network + (hole.right - hole.left) <= tcb.cwnd;
  return fits ? hole : wire::SackBlock{una, una};
}

void note_retransmitted(Tcb& tcb, SeqNum end, Env& env) noexcept {
  tcb.flags &= ~(kRexmtOne | kRttTiming);  // Karn
  if (tcb.retransmits != UINT16_MAX) ++tcb.retransmits;
  ++env.counters.mib.RetransSegs;
  if ((tcb.flags & (kInRecovery | kInRtoRecovery)) == 0) return;
  Side& side = env.sides[tcb.side];
  side.rexmt_nxt = later(side.rexmt_nxt, earlier(end, side.recover));
}

}  // namespace sluice::tcp
