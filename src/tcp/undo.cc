// SPDX-License-Identifier: BSD-3-Clause
// Recovery that was not called for: the path reordered or delayed, and lost nothing.
// Told by timestamps (Eifel, RFC 3522), by F-RTO after a timeout (RFC 5682 3), or by
// D-SACKs for everything that was sent again (RFC 2883); then cwnd and ssthresh are what
// they were (RFC 4015).
#include "base/modular.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

void undo(Tcb& tcb, SendMap& map, Env& env) noexcept {
  map.flags &= static_cast<std::uint16_t>(~(kUndoable | kUndoStamped | kOriginalCame | kCalledFor | kFrtoFirst | kFrtoSecond));
  if ((tcb.flags & (kInRecovery | kInRtoRecovery)) != 0) {
    tcb.flags &= ~(kInRecovery | kInRtoRecovery | kRexmtOne);
    map.flags |= kRecovered;
    tcb.dupacks = 0;
    open(tcb, map, env).forgive();
  }
  congestion::undo(tcb, map.prior_cwnd, map.prior_ssthresh, env);
}

// RFC 3522 3.2: the first acknowledgment of what was sent again echoes a timestamp from before the first retransmission.
// That this recovery sent something else again is no reason against it, but that may have been lost: all of it must be
// accounted for before cwnd is what it was, and one retransmission that filled a hole proves the recovery right.
bool eifel(Tcb& tcb, SendMap& map, const Segment& segment, const AckNews& news, Env& env) noexcept {
  if (!news.again || (map.flags & kCalledFor) != 0 || (tcb.flags & kTsOk) == 0 || !segment.options->has_ts) return false;
  if ((tcb.flags & (kInRecovery | kInRtoRecovery)) == 0) return false;
  if (news.again_acked) {
    const std::int64_t first_us = env.now.us() - static_cast<std::int64_t>(env.now_us() - map.undo_us);
    const bool original = before(segment.options->tsecr, static_cast<std::uint32_t>(first_us / 1000) + tcb.ts_offset);
    map.flags |= original ? kOriginalCame : kCalledFor;
    if (original && (tcb.flags & kInRecovery) != 0) tcb.reordered = 1;
  }
  if ((map.flags & (kOriginalCame | kCalledFor)) != kOriginalCame) return false;
  return !open(tcb, map, env).awaits_resent(map.undo_us);
}

// RFC 5682 3.1, with SACK: true when the second acknowledgment after the timeout is of something that was not
// sent again.
bool frto(Tcb& tcb, SendMap& map, const AckNews& news) noexcept {
  if ((map.flags & (kFrtoFirst | kFrtoSecond)) == 0 || (tcb.flags & kInRtoRecovery) == 0) return false;
  const bool first = (map.flags & kFrtoFirst) != 0;
  map.flags &= static_cast<std::uint16_t>(~(kFrtoFirst | kFrtoSecond));
  if (!first) return news.original;
  // Step 2: what advances and leaves something of the old data open is followed by new data, if there is any.
  const bool advances = news.sample.acked != 0 && tcb.snd_una.before(map.recover) && news.sacked == 0;
  if (advances && unsent(tcb) >= smss(tcb) && window_left(tcb) >= smss(tcb)) map.flags |= kFrtoSecond;
  return false;
}

// Everything that was sent again has been reported as a duplicate. What the network doubles does not count (RFC 3708 2).
bool all_twice(const Tcb& tcb, SendMap& map, const AckNews& news, Env& env) noexcept {
  if (!news.has_dsack || news.dsack.left.before(map.undo_from) || map.undo_bytes == 0) return false;
  const bool outstanding = !news.dsack.left.before(tcb.snd_una) && news.dsack.left.before(tcb.snd_nxt);
  if (outstanding && !open(tcb, map, env).holding(news.dsack.left).resent) return false;
  map.undo_bytes -= std::min(map.undo_bytes, news.dsack.right - news.dsack.left);
  return map.undo_bytes == 0;
}

}  // namespace

void undo_keep(Tcb& tcb, SendMap& map) noexcept {
  if ((tcb.flags & (kInRecovery | kInRtoRecovery)) != 0) return;
  map.flags = static_cast<std::uint16_t>((map.flags & ~(kUndoStamped | kOriginalCame | kCalledFor)) | kUndoable);
  map.prior_cwnd = tcb.cwnd;
  map.prior_ssthresh = tcb.ssthresh;
  map.undo_from = tcb.snd_una;
  // A tail loss probe that repeated something will be reported too, and that says nothing of what recovery sends again.
  map.undo_bytes = (map.flags & kProbeResent) != 0 ? std::min(smss(tcb), map.tlp_end - tcb.snd_una) : 0;
}

// What was sent again before this recovery began says nothing of it.
void undo_delivered(const Tcb& tcb, SendMap& map, const SendRecord& record, SeqNum end, std::uint32_t rtt_us, AckNews& news) noexcept {
  if ((map.flags & kUndoStamped) == 0 || before(record.sent_us, map.undo_us)) return;
  news.again = true;
  // A report echoes no timestamp of its own; one that comes so early is of the original.
  if (!end.after(tcb.snd_una)) {
    news.again_acked = true;
  } else if (!is_too_soon(tcb, map, rtt_us)) {
    map.flags |= kCalledFor;
  }
}

bool undo_on_ack(Tcb& tcb, SendMap& map, const Segment& segment, const AckNews& news, Env& env) noexcept {
  if ((map.flags & kUndoable) == 0) return false;
  const bool recovering = (tcb.flags & (kInRecovery | kInRtoRecovery)) != 0;
  if (!recovering && tcb.snd_una.after(map.undo_until)) {
    map.flags &= static_cast<std::uint16_t>(~kUndoable);
    return false;
  }
  if ((map.flags & kUndoStamped) == 0) return false;  // nothing was sent again yet
  if (eifel(tcb, map, segment, news, env)) {
    ++env.counters.undone_by_timestamps;
  } else if (frto(tcb, map, news)) {
    ++env.counters.undone_by_frto;
  } else if (all_twice(tcb, map, news, env)) {
    ++env.counters.undone_by_dsack;
  } else {
    return false;
  }
  undo(tcb, map, env);
  return true;
}

}  // namespace sluice::tcp
