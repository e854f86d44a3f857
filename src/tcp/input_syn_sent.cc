// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/input.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

constexpr std::int64_t kSynAgainUs = 2'000;

// The peer's SYN: IRS and its options.
void take_syn(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  const wire::TcpOptions& options = *segment.options;
  tcb.flags |= negotiated(options);
  // RFC 3168 6.1.1.1: our SYN sent again offered it no more.
  if (wants_ecn(env.of(tcb)) && tcb.backoff == 0 && offers_ecn(segment)) tcb.flags |= kEcnOk;
  tcb.rcv_nxt = tcb.last_ack_sent = segment.seq + 1;
  if ((tcb.flags & kWscaleOk) == 0) {  // the window that our SYN announced, now without a shift
    tcb.rcv_wnd = static_cast<std::uint16_t>(tcb.rcv_wnd << tcb.rcv_wscale);
    tcb.rcv_wscale = 0;
  }
  tcb.snd_wscale = peer_shift(options) & 0xfU;
  tcb.mss = effective_mss(tcb, options.has_mss ? options.mss : std::uint16_t{0}, env);
  if (options.has_ts) {
    tcb.ts_recent = options.tsval;
    tcb.ts_recent_age = age_clock(env.now);
  }
  if (env.of(tcb).quickack) tcb.quickacks = kQuickAcks;
}

}  // namespace

// RFC 9293 3.10.7.3
Verdict input_syn_sent(Tcb& tcb, Segment& segment, Env& env) noexcept {
  const bool ack = segment.has(kAck);
  // first: SND.UNA is ISS as long as we are here. RFC 7413 4.2.1: text that went with the SYN may be acknowledged
  // or not; SND.NXT leaves it out until then.
  if (ack && (!segment.ack.after(tcb.snd_una) || segment.ack.after(tcb.snd_wl2))) {
    if (segment.has(kRst)) return Verdict::kSynSentIgnored;
    reset_for(segment, env.out.add());
    // Deviation from RFC 6298: who answers a SYN with an ACK has a connection of before, which our RST ends (RFC 9293
    // 3.5.1), and the next SYN opens. Linux does not wait for the RTO either. Once. Pinned by
    // SynGoesAgainSoonAfterAConnectionOfBefore.
    const Tick soon = after_us(env, kSynAgainUs);
    if (!segment.has(kSyn) && tcb.backoff == 0 && soon.before(tcb.t_rexmt)) tcb.t_rexmt = soon;
    return Verdict::kSynSentBadAck;
  }
  // second: only who acknowledges our SYN may refuse it
  if (segment.has(kRst)) {
    if (!ack) return Verdict::kSynSentIgnored;
    finish(tcb, Errc::kConnectionRefused, env);
    return Verdict::kSynSentRefused;
  }
  // fourth
  if (!segment.has(kSyn)) return Verdict::kSynSentIgnored;
  take_syn(tcb, segment, env);
  const std::uint16_t snd_wnd = scaled_syn_window(segment.wnd, tcb.snd_wscale);
  if (!ack) {
    tcb.snd_wnd = tcb.max_snd_wnd = snd_wnd;
    tcb.snd_wl1 = segment.seq;
    tcb.snd_wl2 = tcb.snd_una;
    enter(tcb, State::kSynRcvd, env);
    send_syn(tcb, env);  // what came with the SYN is left for the peer to send again
    return Verdict::kSynSentSimultaneous;
  }
  segment.seq += 1;
  segment.flags &= static_cast<std::uint8_t>(~kSyn);
  tcb.flags |= kAckNow;
  const std::uint32_t text = segment.ack - tcb.snd_nxt;
  tcb.snd_nxt = segment.ack;
  establish(tcb, segment, snd_wnd, env);
  if (text != 0) [[unlikely]] queue_acked(tcb, text, env);
  return accept_text_and_fin(tcb, segment, env, Verdict::kSynSentEstablished);
}

}  // namespace sluice::tcp
