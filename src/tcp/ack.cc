// SPDX-License-Identifier: BSD-3-Clause
// What the peer's acknowledgments do to the sending side: RFC 9293 3.10.7.4, step 5.
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

// WL1 and WL2 keep old segments from setting the window. True when it changed.
bool update_window(Tcb& tcb, const Segment& segment) noexcept {
  const bool newer = tcb.snd_wl1.before(segment.seq) ||
                     (tcb.snd_wl1 == segment.seq && !tcb.snd_wl2.after(segment.ack));
  if (!newer) return false;
  const bool changed = tcb.snd_wnd != segment.wnd;
  tcb.snd_wnd = segment.wnd;
  tcb.max_snd_wnd = std::max(tcb.max_snd_wnd, segment.wnd);
  tcb.snd_wl1 = segment.seq;
  tcb.snd_wl2 = segment.ack;
  return changed;
}

AckNews news_of(const Tcb& tcb) noexcept {
  AckNews news;
  news.sample.flight = in_flight(tcb);
  news.reorders = tcb.reordered != 0 && (tcb.flags & kSackOk) != 0;
  return news;
}

void acknowledged(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  AckNews news = news_of(tcb);
  news.sample.acked = news.sample.delivered = segment.ack - tcb.snd_una;
  const std::uint32_t syn = (tcb.flags & kSynUnacked) != 0 ? 1 : 0;
  tcb.flags &= ~kSynUnacked;
  tcb.snd_una = segment.ack;
  queue_acked(tcb, std::min(news.sample.acked - syn, tcb.snd_queued), env);
  flight_acked(tcb, segment, news, env);
  if (segment.options->n_sack != 0) sack_note(tcb, segment, news, env);
  if ((tcb.flags & kPersist) == 0) {
    tcb.backoff = 0;  // also before a valid sample: the path works again
    tcb.error = Errc::kOk;  // and what an ICMP error said of it is past
    stop_rexmt(tcb);
  }
  recover_on_ack(tcb, segment, news, env);
  if ((tcb.flags & kPersist) != 0) {
    end_persist(tcb, env);
  } else if (in_flight(tcb) != 0 && (tcb.flags & kReoTimer) == 0) {
    restart_rexmt(tcb, env);
  }
  offer_room(tcb, env);
}

}  // namespace

Verdict on_ack(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if (segment.ack.before(tcb.snd_una)) return Verdict::kAckDuplicate;
  const bool advances = segment.ack.after(tcb.snd_una);
  const bool window_changed = update_window(tcb, segment);
  if ((tcb.flags & kPersist) != 0) tcb.keepalive_probes = 0;  // our probes are answered
  if (advances) {
    acknowledged(tcb, segment, env);
    return Verdict::kAckAccepted;
  }
  // An ACK of the ISS: with our SYN still out there is nothing behind it that a duplicate could ask for.
  if ((tcb.flags & kSynUnacked) != 0) [[unlikely]] return Verdict::kAckDuplicate;
  AckNews news = news_of(tcb);
  if (segment.options->n_sack != 0) {
    if (const SendMap* map = map_of(tcb, env)) news.fack = map->fack;
    else news.fack = tcb.snd_una;
    sack_note(tcb, segment, news, env);
  }
  if ((tcb.flags & kPersist) != 0) {
    end_persist(tcb, env);
  } else {
    // RFC 5681 2, or with SACK RFC 6675 2, where the window may move and text come along.
    const bool awaited = in_flight(tcb) != 0 || (tcb.flags & kProbeDoubt) != 0;
    news.duplicate = awaited && segment.seg_len() == 0 && !window_changed && segment.wnd == tcb.snd_wnd;
    if (news.duplicate || news.sacked != 0 || news.has_dsack || news.unmapped) recover_on_ack(tcb, segment, news, env);
  }
  if (window_changed) offer_room(tcb, env);
  return window_changed ? Verdict::kWindowUpdate : Verdict::kAckDuplicate;
}

bool fin_acked(const Tcb& tcb) noexcept { return (tcb.flags & kFinSent) != 0 && tcb.snd_una == tcb.snd_nxt; }

void start_sending(Tcb& tcb, Env& env) noexcept {
  if ((tcb.flags & kRttTiming) != 0) rtt_sample(tcb, env.now_us() - tcb.sent_us);
  tcb.flags &= ~kRttTiming;
  if (tcb.backoff != 0) rtt_syn_lost(tcb);
  congestion::start(tcb, tcb.backoff);
  tcb.backoff = 0;
  stop_rexmt(tcb);
  restart_keepalive(tcb, env);
}

}  // namespace sluice::tcp
