// SPDX-License-Identifier: BSD-3-Clause
// Recovery: from the loss that RACK or, without SACK, the third duplicate ACK tells of
// until everything then outstanding is acknowledged, cwnd going down to ssthresh in
// proportion to what arrives (PRR, RFC 6937); and after a timeout. SND.NXT never goes
// back. Without a send map (their slab is empty) one segment is retransmitted a
// timeout or fast retransmit.
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr unsigned kDupThresh = 3;
// Segments that a receiver may have merged into one acknowledgment (Linux: 64 kB, or a millisecond) on a path that
// reorders, and that no report told of, for an ACK has room for three blocks.
constexpr std::uint32_t kUntold = 64;
constexpr std::uint32_t kAnyRecovery = kInRecovery | kInRtoRecovery;

// RFC 6937 3, with the safe ACK of its successor (RFC 9937): `safe` when SND.UNA moved and no further loss showed.
void reduce_proportionally(Tcb& tcb, SendMap& map, std::uint32_t delivered, bool safe, Env& env) noexcept {
  map.prr_delivered += delivered;
  const std::uint32_t in_network = pipe(tcb, env);
  std::uint32_t quota = 0;  // SndCnt
  if (in_network > tcb.ssthresh) {
    const std::uint64_t share = std::uint64_t{map.prr_delivered} * tcb.ssthresh + (map.recover_fs - 1);
    const auto due = static_cast<std::uint32_t>(share / map.recover_fs);
    quota = due > map.prr_out ? due - map.prr_out : 0;
  } else {
    quota = map.prr_delivered > map.prr_out ? map.prr_delivered - map.prr_out : 0;
    quota = std::max(quota, delivered) + (safe ? smss(tcb) : 0);
    quota = std::min(quota, tcb.ssthresh - in_network);
  }
  if (map.prr_out == 0) quota = std::max(quota, smss(tcb));  // the fast retransmit
  tcb.cwnd = in_network + quota;
}

void enter_recovery(Tcb& tcb, SendMap& map, const AckNews& news, Env& env) noexcept {
  ++env.counters.fast_retransmits;
  undo_keep(tcb, map);
  // RFC 8985 7.1: from now on it is recovery that answers for the tail.
  map.flags &= static_cast<std::uint16_t>(~(kProbing | kProbeResent));
  tcb.flags &= ~kProbeDoubt;
  // Where a mark had reduced already there is nothing to be undone (RFC 3168 6.1.2).
  if (!congestion::loss(tcb, in_flight(tcb), env)) map.flags &= static_cast<std::uint16_t>(~kUndoable);
  tcb.flags |= kInRecovery;
  map.recover = tcb.snd_nxt;
  map.prr_delivered = map.prr_out = 0;
  const std::uint32_t had_left = map.sacked + map.dup_bytes - std::min(map.sacked + map.dup_bytes, news.sample.delivered);
  const std::uint32_t outstanding = in_flight(tcb) + news.sample.acked;
  map.recover_fs = std::max(outstanding - std::min(outstanding, had_left), smss(tcb));
  if ((tcb.flags & kReoTimer) == 0) restart_rexmt(tcb, env);
}

void end_recovery(Tcb& tcb, SendMap& map, const AckNews& news, Env& env) noexcept {
  const bool fast = (tcb.flags & kInRecovery) != 0;
  tcb.flags &= ~kAnyRecovery;
  map.flags = static_cast<std::uint16_t>((map.flags & ~(kFrtoFirst | kFrtoSecond)) | kRecovered);
  map.undo_until = tcb.snd_nxt;
  map.dup_bytes = 0;
  if (!news.has_dsack) rack_recovered(tcb, map);
  if (fast) congestion::recovered(tcb, env);
}

// What may have arrived by now beside the segment that is missing: no more than left half a round trip ago, however
// many duplicate ACKs a peer sends.
std::uint32_t may_have_arrived(const Tcb& tcb, const SendRecords& records, const Env& env) noexcept {
  unsigned n = records.size();
  while (n != 0 && env.now_us() - records[n - 1].sent_us < tcb.srtt_us8 / 16) --n;
  if (n == 0) return 0;
  const std::uint32_t left = records[n - 1].end - tcb.snd_una;
  return left - std::min(left, smss(tcb));
}

// Without SACK duplicate ACKs tell that something left the network, and a partial ACK that the next segment is
// missing too (RFC 6582, 6937 3); once each, whatever a peer makes of it that divides or repeats its ACKs.
void lose_without_sack(Tcb& tcb, SendMap& map, AckNews& news, Env& env) noexcept {
  const std::uint32_t segment = smss(tcb);
  SendRecords records = open(tcb, map, env);
  const bool sent_again = records.size() != 0 && records[0].resent;
  if (news.sample.acked != 0) {
    const std::uint32_t had_left = std::min(map.dup_bytes, news.sample.acked - std::min(news.sample.acked, news.resent));
    map.dup_bytes -= had_left;
    news.sample.delivered -= std::min(had_left, news.sample.delivered);
    tcb.dupacks = 0;
    // Else it would lie ahead again 2 GB later.
    if (tcb.snd_una.after(map.recover)) map.flags &= static_cast<std::uint16_t>(~kRecovered);
    if ((tcb.flags & kInRecovery) == 0 || sent_again) return;
    tcb.flags |= kRexmtOne;  // whatever cwnd says (RFC 6582 3.2 step 3)
  } else {
    if (!news.duplicate || (tcb.flags & kInRtoRecovery) != 0) return;
    news.sample.delivered = segment;
    if ((tcb.flags & kInRecovery) != 0) {
      const std::uint32_t most = std::max(may_have_arrived(tcb, records, env), map.dup_bytes);
      news.sample.delivered = std::min(segment, most - map.dup_bytes);
      map.dup_bytes += news.sample.delivered;
      return;
    }
    // RFC 6582 3.2 step 2: duplicates of what recovery sent again do not begin another.
    if ((map.flags & kRecovered) != 0 && !tcb.snd_una.after(map.recover)) return;
    if (tcb.dupacks < kDupThresh) tcb.dupacks = (tcb.dupacks + 1U) & 3U;
    if (tcb.dupacks < kDupThresh) return;
    map.dup_bytes = kDupThresh * segment;
  }
  if (records.size() != 0 && !sent_again) records.lose(tcb.snd_una, earlier(tcb.snd_una + segment, tcb.snd_nxt));
}

// Duplicate ACKs without a map: two let new segments out (RFC 3042), the third takes one, and where there is none the
// segment at SND.UNA goes again.
SendMap* count_duplicate(Tcb& tcb, Env& env) noexcept {
  if (tcb.dupacks + 1U < kDupThresh) {
    ++tcb.dupacks;
    return nullptr;
  }
  if (SendMap* map = need_map(tcb, env)) return map;
  tcb.dupacks = 0;
  ++env.counters.fast_retransmits;
  congestion::loss(tcb, in_flight(tcb), env);
  tcb.flags |= kRexmtOne;
  restart_rexmt(tcb, env);
  return nullptr;
}

// What opens the window. Where the path reorders SND.UNA moves in jumps, from hole to hole: there a report counts when it
// comes, as an acknowledgment does, and not again when SND.UNA has passed it. (RFC 5681 knows no reports; Linux does the same.)
// After a timeout, and with a peer that reneged, it is SND.UNA that counts: what was reported before may have to go again.
AckSample growth_of(const Tcb& tcb, const SendMap& map, const AckNews& news, const Env& env) noexcept {
  AckSample sample = news.sample;
  if (!news.reorders || (tcb.flags & kInRtoRecovery) != 0 || (map.flags & kReneged) != 0) {
    sample.by_reports = sample.acked - std::min(sample.acked, sample.delivered);
    return sample;
  }
  sample.acked = sample.delivered;
  sample.by_reports = std::min(sample.delivered, news.sacked + kUntold * smss(tcb));
  sample.flight = pipe(tcb, env) + sample.delivered;
  sample.ahead = map.sacked;
  return sample;
}

// What is outstanding, all of it or what RACK would have waited for no longer (RFC 8985 6.3), is lost.
void retransmit(Tcb& tcb, bool all, Env& env) noexcept {
  tcb.flags = (tcb.flags & ~(kAnyRecovery | kPto | kReoTimer)) | kRexmtOne;
  tcb.dupacks = 0;
  SendMap* map = in_flight(tcb) > smss(tcb) ? need_map(tcb, env) : map_of(tcb, env);
  if (map == nullptr) return;
  SendRecords records = open(tcb, *map, env);
  records.forget_sacked();  // RFC 2018 8: the peer may have thrown it away
  records.lose_where(env.now_us(), all, [&](const SendRecord& record, SeqNum begin) {
    return all || begin == tcb.snd_una || rack_overdue(tcb, *map, record, env);
  });
  tcb.flags |= kInRtoRecovery;
  map->recover = tcb.snd_nxt;
  map->dup_bytes = 0;
}

}  // namespace

std::uint32_t pipe(const Tcb& tcb, const Env& env) noexcept {
  const std::uint32_t flight = in_flight(tcb);
  const SendMap* map = map_of(tcb, env);
  std::uint32_t left = tcb.dupacks * smss(tcb);
  if (map != nullptr) left = map->sacked + map->lost + std::max(left, map->dup_bytes);
  return flight - std::min(flight, left);
}

void recover_on_ack(Tcb& tcb, const Segment& segment, AckNews& news, Env& env) noexcept {
  if (news.has_dsack) rack_widen(tcb, env);
  SendMap* map = map_of(tcb, env);
  probe_acked(tcb, map, news, env);
  if (map == nullptr) {
    if (news.sample.acked != 0) {
      tcb.dupacks = 0;
      if (in_flight(tcb) == 0) tcb.flags &= ~kRexmtOne;
      congestion::acked(tcb, news.sample, env);
      return;
    }
    if (news.unmapped || (news.duplicate && (tcb.flags & kSackOk) == 0)) map = count_duplicate(tcb, env);
    if (map == nullptr) return;
  }
  const bool was_fast = !undo_on_ack(tcb, *map, segment, news, env) && (tcb.flags & kInRecovery) != 0;
  if ((tcb.flags & kAnyRecovery) != 0 && !tcb.snd_una.before(map->recover)) end_recovery(tcb, *map, news, env);
  const std::uint32_t lost_before = map->lost;
  if ((tcb.flags & kPersist) != 0) {
    // the window was closed over it: nothing is known of losses
  } else if ((tcb.flags & kSackOk) != 0) {
    tcb.dupacks = 0;
    rack_detect(tcb, *map, env);
  } else {
    lose_without_sack(tcb, *map, news, env);
  }
  if (map->lost != 0 && (tcb.flags & (kAnyRecovery | kPersist)) == 0) enter_recovery(tcb, *map, news, env);
  news.sample.lost = map->lost - std::min(map->lost, lost_before);
  const bool fast = (tcb.flags & kInRecovery) != 0;
  const AckSample growth = growth_of(tcb, *map, news, env);
  if (!fast && !was_fast && (growth.acked != 0 || news.sample.acked != 0)) {
    congestion::acked(tcb, growth, env);
  } else if (news.sample.delivered != 0) {
    if (congestion::model_of(tcb, env) != nullptr) {
      congestion::acked(tcb, news.sample, env);
    } else if (fast) {
      const bool safe = news.sample.acked != 0 && news.sample.lost == 0;
      reduce_proportionally(tcb, *map, news.sample.delivered, safe, env);
    }
  }
  if (in_flight(tcb) != 0) return;
  tcb.flags &= ~kRexmtOne;
  drop_map(tcb, env);
}

void on_reorder_timeout(Tcb& tcb, Env& env) noexcept {
  tcb.flags &= ~kReoTimer;
  restart_rexmt(tcb, env);
  SendMap* map = map_of(tcb, env);
  if (map == nullptr) return;
  const std::uint32_t lost_before = map->lost;
  rack_detect(tcb, *map, env);
  if (map->lost == lost_before) return;
  ++env.counters.reorder_timeouts;
  const AckNews nothing;
  if ((tcb.flags & kAnyRecovery) == 0) enter_recovery(tcb, *map, nothing, env);
  if ((tcb.flags & kInRecovery) == 0 || congestion::model_of(tcb, env) != nullptr) return;
  reduce_proportionally(tcb, *map, 0, false, env);
}

void before_timeout(Tcb& tcb, Env& env) noexcept {
  SendMap* map = need_map(tcb, env);
  if (map == nullptr) return;
  const bool first = tcb.backoff == 0 && (tcb.flags & kAnyRecovery) == 0;
  if (tcb.backoff == 0) undo_keep(tcb, *map);
  map->flags &= static_cast<std::uint16_t>(~(kFrtoFirst | kFrtoSecond | kProbing | kProbeResent));
  if (first && (tcb.flags & kSackOk) != 0) map->flags |= kFrtoFirst;
}

void retransmit_overdue(Tcb& tcb, Env& env) noexcept { retransmit(tcb, false, env); }

void retransmit_all(Tcb& tcb, Env& env) noexcept {
  retransmit(tcb, true, env);
  // Not by congestion; and the window may have been shut for longer than RACK's times can be compared.
  if (SendMap* map = map_of(tcb, env)) map->flags &= static_cast<std::uint16_t>(~(kUndoable | kFrtoFirst | kFrtoSecond | kRackValid));
}

wire::SackBlock next_retransmission(Tcb& tcb, Env& env) noexcept {
  const SeqNum una = tcb.snd_una;
  const std::uint32_t full = smss(tcb);
  if ((tcb.flags & kRexmtOne) != 0) return {una, earlier(tcb.snd_nxt, una + full)};
  SendMap* map = map_of(tcb, env);
  if (map == nullptr || map->lost == 0) return {una, una};
  if ((map->flags & kFrtoSecond) != 0 && unsent(tcb) >= full && window_left(tcb) >= full) return {una, una};
  const SendRecords::Stretch lost = open(tcb, *map, env).first_lost();
  const SeqNum right = earlier(lost.right, lost.left + full);
  const std::uint32_t in_network = pipe(tcb, env);
  const bool fits = in_network == 0 || in_network + (right - lost.left) <= tcb.cwnd;
  return fits ? wire::SackBlock{lost.left, right} : wire::SackBlock{una, una};
}

void note_retransmitted(Tcb& tcb, SeqNum left, SeqNum end, Env& env) noexcept {
  tcb.flags &= ~kRexmtOne;
  if (tcb.retransmits != UINT16_MAX) ++tcb.retransmits;
  ++env.counters.mib.RetransSegs;
  note_resent(tcb, left, earlier(end, tcb.snd_nxt), env);
  SendMap* map = map_of(tcb, env);
  if (map == nullptr || (tcb.flags & kAnyRecovery) == 0) return;
  const std::uint32_t bytes = earlier(end, tcb.snd_nxt) - left;
  map->undo_bytes += bytes;
  if ((tcb.flags & kInRecovery) != 0) map->prr_out += bytes;
  if ((map->flags & kUndoStamped) != 0) return;
  map->flags |= kUndoStamped;
  map->undo_us = env.now_us();
}

}  // namespace sluice::tcp
