// SPDX-License-Identifier: BSD-3-Clause
// What is outstanding: when it was sent, and what an acknowledgment says of it. All of
// it sent at one time, as a short answer is, needs no send map: Tcb::sent_us tells.
#include "base/modular.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

// Segments that leave within this of each other share a record and its time, so that a long path full of them
// takes about 64 records; their round trips read up to 1.6 % long for it.
std::uint32_t slot_us(const Tcb& tcb) noexcept { return tcb.srtt_us8 >> 9U; }

// A map of [SND.UNA, end), which left at sent_us.
SendMap* open_map(Tcb& tcb, SeqNum end, Env& env) noexcept {
  if (syn_unacked(tcb)) return nullptr;
  tcb.sends = env.maps.take();
  if (tcb.sends == kNoIndex) {
    ++env.counters.send_maps_exhausted;
    return nullptr;
  }
  SendMap& map = env.maps[tcb.sends];
  map.fack = tcb.snd_una;
  map.round = (tcb.flags & kRttTiming) != 0 ? tcb.snd_una + 1 : end;
  SendRecords records = open(tcb, map, env);
  records.append(end, tcb.sent_us, 0);
  if ((tcb.flags & kUntimed) != 0) records.resend(tcb.snd_una, end, tcb.sent_us);
  tcb.flags &= ~(kRttTiming | kUntimed);
  return &map;
}

// The echoed timestamp, in milliseconds, serves where Karn forbids the clock.
std::uint32_t echo_us(const Tcb& tcb, const Segment& segment, const Env& env) noexcept {
  if ((tcb.flags & kTsOk) == 0 || !segment.options->has_ts) return 0;
  return echoed_rtt_us(tcb, segment.options->tsecr, env);
}

// One sample a round trip feeds the RTO (RFC 6298 3); other users get every one.
void measure(Tcb& tcb, SendMap& map, const Segment& segment, AckNews& news, const Env& env) noexcept {
  if (news.sample.rtt_us == 0 && news.sample.acked != 0) {
    news.sample.rtt_us = echo_us(tcb, segment, env);
    news.sample.echoed = true;
  }
  if (news.sample.rtt_us == 0 || map.fack.before(map.round)) return;
  rtt_sample(tcb, news.sample.rtt_us);
  map.round = tcb.snd_nxt;
}

void measure_plain(Tcb& tcb, const Segment& segment, AckNews& news, const Env& env) noexcept {
  const bool timed = (tcb.flags & kUntimed) == 0;
  news.sample.rtt_us = timed ? std::max(env.now_us() - tcb.sent_us, 1U) : echo_us(tcb, segment, env);
  news.sample.newest_us = tcb.sent_us;
  news.sample.dated = timed;
  news.sample.echoed = !timed;
  if (news.sample.rtt_us == 0 || (timed && (tcb.flags & kRttTiming) == 0)) return;
  tcb.flags &= ~kRttTiming;
  rtt_sample(tcb, news.sample.rtt_us);
}

void delivered(Tcb& tcb, SendMap& map, const SendRecord& record, SeqNum begin, SeqNum end, const Segment& segment,
               AckNews& news, const Env& env) noexcept {
  if (record.fate == Fate::kSacked) return;  // that it had arrived was known
  if (!record.was_sacked) news.sample.delivered += end - begin;  // else that was counted
  const std::uint32_t rtt_us = env.now_us() - record.sent_us;
  if (record.resent) {
    news.resent += end - begin;
    undo_delivered(tcb, map, record, end, rtt_us, news);
    // A late original would seem to have left when it was sent again, a moment ago.
    if (is_ambiguous(tcb, map, end, rtt_us, segment, env)) return;
  } else {
    if (news.sample.rtt_us == 0) news.sample.rtt_us = std::max(rtt_us, 1U);  // of the oldest
    if (!record.was_sacked && !end.after(map.recover)) news.original = true;
  }
  if (!news.sample.dated || before(news.sample.newest_us, record.sent_us)) {
    news.sample.newest_us = record.sent_us;
    news.sample.dated = true;
  }
  rack_delivered(tcb, map, record, end, rtt_us, news);
}

}  // namespace

SendMap* need_map(Tcb& tcb, Env& env) noexcept {
  return tcb.sends != kNoIndex ? &env.maps[tcb.sends] : open_map(tcb, tcb.snd_nxt, env);
}

void drop_map(Tcb& tcb, Env& env) noexcept {
  if (tcb.sends == kNoIndex) return;
  SendMap& map = env.maps[tcb.sends];
  const std::uint16_t doubt = kProbing | kProbeResent;
  if ((map.flags & doubt) == doubt && tcb.snd_una == map.tlp_end) tcb.flags |= kProbeDoubt;
  open(tcb, map, env).clear();
  env.maps.give(tcb.sends);
  tcb.sends = kNoIndex;
}

void note_sent(Tcb& tcb, SeqNum from, Env& env) noexcept {
  const std::uint32_t now_us = env.now_us();
  SendMap* map = map_of(tcb, env);
  if (map == nullptr) {
    if (from == tcb.snd_una) {
      tcb.sent_us = now_us;
      tcb.flags = (tcb.flags & ~kUntimed) | kRttTiming;
      return;
    }
    if ((tcb.flags & kUntimed) != 0) {
      tcb.sent_us = now_us;
      return;
    }
    if (now_us - tcb.sent_us <= slot_us(tcb)) return;
    map = open_map(tcb, from, env);
    if (map == nullptr) {
      tcb.flags = (tcb.flags & ~kRttTiming) | kUntimed;
      tcb.sent_us = now_us;
      return;
    }
  }
  tcb.sent_us = now_us;
  // Among retransmissions, to which RACK compares it, the time of the first byte of a slot would not do: what left after
  // a retransmission would seem to have left before it, and be lost as soon as that arrives.
  const std::uint32_t slot = (tcb.flags & (kInRecovery | kInRtoRecovery)) != 0 ? 0 : slot_us(tcb);
  open(tcb, *map, env).append(tcb.snd_nxt, now_us, slot);
  if ((tcb.flags & kInRecovery) != 0) map->prr_out += tcb.snd_nxt - from;
}

void note_resent(Tcb& tcb, SeqNum left, SeqNum right, Env& env) noexcept {
  // A probe of a closed window needs no record: when the window opens everything goes again.
  SendMap* map = (tcb.flags & kPersist) != 0 ? map_of(tcb, env) : need_map(tcb, env);
  tcb.sent_us = env.now_us();
  if (map == nullptr) {
    tcb.flags = (tcb.flags & ~kRttTiming) | kUntimed;
    return;
  }
  open(tcb, *map, env).resend(left, right, tcb.sent_us);
}

void flight_acked(Tcb& tcb, const Segment& segment, AckNews& news, Env& env) noexcept {
  SendMap* map = map_of(tcb, env);
  if (map == nullptr) {
    news.fack = tcb.snd_una;
    measure_plain(tcb, segment, news, env);
    return;
  }
  news.fack = map->fack;
  news.sample.delivered = 0;
  SendRecords records(*map, tcb.snd_una - news.sample.acked, env.more_sends);
  records.advance(tcb.snd_una, [&](const SendRecord& record, SeqNum begin, SeqNum end) {
    delivered(tcb, *map, record, begin, end, segment, news, env);
  });
  // What had arrived the first time may have waited there for what was sent again (Karn).
  if (news.resent != 0) news.sample.rtt_us = 0;
  map->fack = later(map->fack, tcb.snd_una);
  // Its buffer may be gone, or be another one 4 GB later.
  if (map->resent_buf != nullptr && map->resent_seq.before(tcb.snd_una)) map->resent_buf = nullptr;
  if (map->sacked == 0) map->sacked_segments = 0;
  measure(tcb, *map, segment, news, env);
}

void flight_reported(Tcb& tcb, SendMap& map, wire::SackBlock block, const Segment& segment, AckNews& news,
                   Env& env) noexcept {
  const std::uint32_t bytes =
      open(tcb, map, env).sack(block.left, block.right, [&](const SendRecord& record, SeqNum begin, SeqNum end) {
        delivered(tcb, map, record, begin, end, segment, news, env);
      });
  if (bytes == 0) return;
  news.sacked += bytes;
  map.fack = later(map.fack, block.right);
  const std::uint32_t segments = map.sacked_segments + (bytes + smss(tcb) - 1) / smss(tcb);
  map.sacked_segments = static_cast<std::uint8_t>(std::min(segments, 255U));
  measure(tcb, map, segment, news, env);
}

}  // namespace sluice::tcp
