// SPDX-License-Identifier: BSD-3-Clause
// RFC 8985: RACK, which calls lost what was sent long enough before something that has
// arrived, a retransmission too; and TLP, which asks when the tail of the data is lost
// and nothing arrives at all. Times are microseconds modulo 2^32.
#include "base/modular.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr unsigned kDupThresh = 3;
constexpr std::uint32_t kReoMultMax = 7;          // 8 quarters of the shortest round trip; SRTT bounds it as well
constexpr std::uint32_t kLeastWindowUs = 125;     // a tick: what the timer can tell apart
constexpr std::uint32_t kProbeMarginUs = 2'000;   // beside 2 SRTT, for peers whose threads wake up late
constexpr std::uint32_t kMaxAckDelayUs = 200'000; // TLP.max_ack_delay

// RFC 8985 6.2 step 2, RACK_sent_after()
bool sent_after(std::uint32_t a_us, SeqNum a_end, std::uint32_t b_us, SeqNum b_end) noexcept {
  return a_us == b_us ? a_end.after(b_end) : before(b_us, a_us);
}

// Step 4
std::uint32_t reordering_window_us(const Tcb& tcb, const SendMap& map) noexcept {
  if (tcb.reordered == 0 && ((tcb.flags & (kInRecovery | kInRtoRecovery)) != 0 || map.sacked_segments >= kDupThresh)) {
    return 0;
  }
  const std::uint32_t srtt_us = tcb.srtt_us8 / 8;
  const std::uint64_t base_us = std::min(map.min_rtt_us, srtt_us);
  const std::uint64_t wide_us = base_us * (tcb.reo_mult + 1U) / 4;
  return std::max(static_cast<std::uint32_t>(std::min<std::uint64_t>(wide_us, srtt_us)), kLeastWindowUs);
}

// Until the record counts as lost; 0 or less: it does.
std::int32_t patience_us(const SendMap& map, const SendRecord& record, std::uint32_t window_us, const Env& env) noexcept {
  return static_cast<std::int32_t>(record.sent_us + map.rack_rtt_us + window_us - env.now_us());
}

void arm_reorder_timer(Tcb& tcb, std::int32_t wait_us, Env& env) noexcept {
  if ((tcb.flags & kPersist) != 0) return;
  const Tick due = after_us(env, wait_us);
  if (tcb.t_rexmt.armed() && !due.before(tcb.t_rexmt)) return;
  tcb.t_rexmt = due;
  tcb.flags = (tcb.flags & ~kPto) | kReoTimer;
}

}  // namespace

bool is_too_soon(const Tcb& tcb, const SendMap& map, std::uint32_t rtt_us) noexcept {
  // SRTT beside it, for the map may be young and have seen only delayed acknowledgments.
  return rtt_us < std::min(map.min_rtt_us, tcb.srtt_us8 / 8 - tcb.srtt_us8 / 64);
}

// Deviation: RFC 8985 6.2 asks the echoed timestamp of reports, too. While a hole is open it is that of the last segment in
// order (RFC 7323 4.3), and no retransmission behind the hole could ever be told from its original (Linux, too, goes by the time there).
bool is_ambiguous(const Tcb& tcb, const SendMap& map, SeqNum end, std::uint32_t rtt_us, const Segment& segment, const Env& env) noexcept {
  if (is_too_soon(tcb, map, rtt_us)) return true;
  if (end.after(tcb.snd_una) || (tcb.flags & kTsOk) == 0 || !segment.options->has_ts) return false;
  const std::uint32_t echo_age_ms = env.now_ms() + tcb.ts_offset - segment.options->tsecr;
  return echo_age_ms > rtt_us / 1000 + 1;
}

void rack_delivered(Tcb& tcb, SendMap& map, const SendRecord& record, SeqNum end, std::uint32_t rtt_us, const AckNews& news) noexcept {
  if (!record.resent) {
    map.min_rtt_us = std::min(map.min_rtt_us, rtt_us);
    // Step 3: it arrived behind what was sent after it.
    if (end.before(news.fack) && !record.was_sacked) tcb.reordered = 1;
  }
  if ((map.flags & kRackValid) != 0 && !sent_after(record.sent_us, end, map.rack_sent_us, map.rack_end)) return;
  map.flags |= kRackValid;
  map.rack_sent_us = record.sent_us;
  map.rack_end = end;
  map.rack_rtt_us = rtt_us;
}

void rack_detect(Tcb& tcb, SendMap& map, Env& env) noexcept {
  if ((map.flags & kRackValid) == 0) return;
  // In order, and nothing sent twice: whatever is outstanding was sent after what has arrived.
  if (map.sacked == 0 && (tcb.flags & (kInRecovery | kInRtoRecovery)) == 0 && (map.flags & kProbing) == 0) return;
  const std::uint32_t window_us = reordering_window_us(tcb, map);
  SendRecords records = open(tcb, map, env);
  std::int32_t wait_us = 0;
  records.lose_where(map.rack_sent_us, false, [&](const SendRecord& record, SeqNum) {
    if (!sent_after(map.rack_sent_us, map.rack_end, record.sent_us, record.end)) return false;
    if (record.resent && record.sent_us == env.now_us()) return false;  // in this very burst
    const std::int32_t left_us = patience_us(map, record, window_us, env);
    if (left_us > 0) {
      wait_us = std::max(wait_us, left_us);
      return false;
    }
    if (record.resent && (tcb.flags & (kInRecovery | kInRtoRecovery)) != 0) ++env.counters.lost_retransmissions;
    return true;
  });
  if (wait_us > 0) arm_reorder_timer(tcb, wait_us, env);
}

bool rack_overdue(const Tcb& tcb, const SendMap& map, const SendRecord& record, const Env& env) noexcept {
  if ((tcb.flags & kSackOk) == 0 || (map.flags & kRackValid) == 0) return true;
  return patience_us(map, record, reordering_window_us(tcb, map), env) <= 0;
}

void rack_widen(Tcb& tcb, Env& env) noexcept {
  SendMap* map = in_flight(tcb) != 0 ? need_map(tcb, env) : nullptr;
  if (map != nullptr) {  // once a round trip
    map->reo_persist = SendMap::kReoPersist;
    // One of 2 GB ago would lie ahead again, but not within what is outstanding.
    const bool this_round = tcb.snd_una.before(map->dsack_round) && !map->dsack_round.after(tcb.snd_nxt);
    if ((map->flags & kDsackRound) != 0 && this_round) return;
    map->flags |= kDsackRound;
    map->dsack_round = tcb.snd_nxt;
  }
  if (tcb.reo_mult < kReoMultMax) tcb.reo_mult = (tcb.reo_mult + 1U) & 7U;
}

void rack_recovered(Tcb& tcb, SendMap& map) noexcept {
  if (map.reo_persist != 0 && --map.reo_persist == 0) tcb.reo_mult = 0;
}

// RFC 8985 7.2.
// Deviation: the probe timer is not restarted by every segment sent, only with the RTO, by acknowledgments of new
// data: while those come they restart it in time, and a probe two round trips after the last of them is welcome.
// Pinned by NewDataDoesNotPutOffTheProbe.
std::uint32_t probe_timeout_us(const Tcb& tcb, std::uint32_t rto_us, const Env& env) noexcept {
  constexpr std::uint32_t kBusy = kInRecovery | kInRtoRecovery | kPersist | kRexmtOne;
  if ((tcb.flags & (kSackOk | kBusy)) != kSackOk || tcb.backoff != 0 || tcb.srtt_us8 == 0 || syn_unacked(tcb)) return 0;
  if (const SendMap* map = map_of(tcb, env)) {
    if (map->sacked != 0 || map->lost != 0 || (map->flags & kProbing) != 0) return 0;
  }
  const std::uint32_t margin_us = in_flight(tcb) <= smss(tcb) ? kMaxAckDelayUs : kProbeMarginUs;
  return std::min(tcb.srtt_us8 / 4 + margin_us, rto_us);
}

// RFC 8985 7.3
void on_probe_timeout(Tcb& tcb, Env& env) noexcept {
  tcb.t_rexmt = Tick{};
  tcb.flags &= ~kPto;
  if (in_flight(tcb) == 0) return;
  SendMap* map = snd_wnd_bytes(tcb) == 0 ? nullptr : need_map(tcb, env);
  if (map == nullptr) {  // then by the RTO
    const auto waited_us = static_cast<std::int32_t>(env.now_us() - tcb.sent_us);
    tcb.t_rexmt = after_us(env, std::max<std::int32_t>(static_cast<std::int32_t>(rto_us(tcb)) - waited_us, 1000));
    return;
  }
  ++env.counters.tlp_probes;
  const bool resent = !send_tail_probe(tcb, env);
  map->tlp_end = tcb.snd_nxt;
  map->flags = static_cast<std::uint16_t>((map->flags & ~kProbeResent) | kProbing | (resent ? kProbeResent : 0));
  tcb.t_rexmt = after_us(env, rto_us(tcb));
}

// RFC 8985 7.4.2
void probe_acked(Tcb& tcb, SendMap* map, const AckNews& news, Env& env) noexcept {
  const bool waits = map != nullptr && (map->flags & kProbing) != 0 && !tcb.snd_una.before(map->tlp_end);
  if (!waits && (tcb.flags & kProbeDoubt) == 0) return;
  const bool resent = !waits || (map->flags & kProbeResent) != 0;
  const SeqNum end = waits ? map->tlp_end : tcb.snd_una - news.sample.acked;
  const bool arrived_twice = (news.has_dsack && news.dsack.right == end) || (news.duplicate && news.sacked == 0);
  if (resent && !arrived_twice && !tcb.snd_una.after(end)) return;  // it remains to be seen
  if (waits) map->flags &= static_cast<std::uint16_t>(~(kProbing | kProbeResent));
  tcb.flags &= ~kProbeDoubt;
  if (!resent || arrived_twice || (tcb.flags & (kInRecovery | kInRtoRecovery)) != 0) return;
  // It repaired a loss that nothing else will tell of.
  ++env.counters.tlp_losses;
  congestion::loss(tcb, news.sample.flight, env);
  congestion::recovered(tcb, env);
}

}  // namespace sluice::tcp
