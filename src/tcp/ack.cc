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

// Timed segments measure in microseconds; the echoed timestamp, in milliseconds, serves where Karn forbids that.
// What this acknowledgment says by either way; 0: nothing.
std::uint32_t measure(Tcb& tcb, const Segment& segment, const Env& env) noexcept {
  const bool timing = (tcb.flags & kRttTiming) != 0;
  if (timing && tcb.snd_una.after(tcb.rtt_seq)) {
    tcb.flags &= ~kRttTiming;
    const std::uint32_t rtt_us = env.now_us() - tcb.rtt_start_us;
    rtt_sample(tcb, rtt_us);
    return rtt_us;
  }
  if ((tcb.flags & kTsOk) == 0 || !segment.options->has_ts) return 0;
  const std::uint32_t rtt_us = echoed_rtt_us(tcb, segment.options->tsecr, env);
  if (!timing && rtt_us != 0) rtt_sample(tcb, rtt_us);
  return rtt_us;
}

std::uint32_t note_sacked(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  if ((tcb.flags & kSackOk) == 0 || segment.options->n_sack == 0) return 0;
  return sack_note(tcb, *segment.options, env);
}

void acknowledged(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  AckSample sample{.acked = segment.ack - tcb.snd_una, .flight = in_flight(tcb)};
  const std::uint32_t syn = (tcb.flags & kSynUnacked) != 0 ? 1 : 0;
  tcb.flags &= ~kSynUnacked;
  tcb.snd_una = segment.ack;
  queue_acked(tcb, std::min(sample.acked - syn, tcb.snd_queued), env);
  sample.rtt_us = measure(tcb, segment, env);
  if (Side* side = side_of(tcb, env)) sack_advance(*side, tcb.snd_una);
  note_sacked(tcb, segment, env);
  on_new_ack(tcb, sample, env);
  if ((tcb.flags & kPersist) != 0) {
    end_persist(tcb, env);
  } else {
    tcb.backoff = 0;  // also before a valid sample: the path works again
    if (in_flight(tcb) == 0) {
      tcb.t_rexmt = Tick{};
    } else {
      restart_rexmt(tcb, env);
    }
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
  const std::uint32_t sack_news = note_sacked(tcb, segment, env);
  if ((tcb.flags & kPersist) != 0) {
    end_persist(tcb, env);
  } else if (in_flight(tcb) != 0) {
    // RFC 5681 2, or with SACK RFC 6675 2, where the window may move and text come along.
    const bool plain = segment.seg_len() == 0 && !window_changed && segment.wnd == tcb.snd_wnd;
    if (plain || sack_news != 0) on_duplicate_ack(tcb, env);
  }
  return window_changed ? Verdict::kWindowUpdate : Verdict::kAckDuplicate;
}

bool fin_acked(const Tcb& tcb) noexcept { return (tcb.flags & kFinSent) != 0 && tcb.snd_una == tcb.snd_nxt; }

void start_sending(Tcb& tcb, Env& env) noexcept {
  if ((tcb.flags & kRttTiming) != 0) rtt_sample(tcb, env.now_us() - tcb.rtt_start_us);
  tcb.flags &= ~kRttTiming;
  if (tcb.backoff != 0) rtt_syn_lost(tcb);
  congestion::start(tcb, tcb.backoff, env);
  tcb.backoff = 0;
  tcb.t_rexmt = Tick{};
  restart_keepalive(tcb, env);
}

}  // namespace sluice::tcp
