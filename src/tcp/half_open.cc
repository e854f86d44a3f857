// SPDX-License-Identifier: BSD-3-Clause
// Passive SYN_RCVD: RFC 9293 3.10.7.2 (third) and 3.10.7.4 as far as they concern a
// connection that is no more than a record.
#include "base/modular.h"
#include "tcp/options.h"

namespace sluice::tcp {

namespace {

constexpr std::uint32_t kTicksPerSecond = 8'000;
constexpr std::uint32_t kUsPerTick = 125;

std::uint32_t now_ms(Instant now) noexcept { return static_cast<std::uint32_t>(now.ms()); }

// RFC 9293 3.10.7.4, first: the acceptability test, against the window of our SYN|ACK.
bool acceptable(const Segment& segment, SeqNum rcv_nxt, std::uint32_t wnd) noexcept {
  const std::uint32_t seg_len = segment.seg_len();
  if (segment.seq.in_window(rcv_nxt, wnd)) return true;
  if (seg_len == 0) return wnd == 0 && segment.seq == rcv_nxt;
  return (segment.seq + (seg_len - 1)).in_window(rcv_nxt, wnd);
}

void put_timestamps(const HalfOpen& record, std::uint32_t ts_offset, Instant now, OutSegment& out) noexcept {
  if ((record.flags & kTsOk) == 0) return;
  out.options |= kOptTimestamps;
  out.tsval = now_ms(now) + ts_offset;
  out.tsecr = record.ts_recent;
}

// What one event needs beside the record.
struct Context {
  HalfOpen& record;
  const Params& params;
  std::uint32_t ts_offset;
  Instant now;
  OutSegment& answer;

  [[nodiscard]] std::uint32_t window() const noexcept { return syn_window(params.rcvbuf, record.rcv_wscale); }
};

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void acknowledge(const Context& c) noexcept {
  c.answer = OutSegment{};
  c.answer.flags = kAck;
  c.answer.seq = c.record.iss + 1;
  c.answer.ack = c.record.irs + 1;
  c.answer.wnd = static_cast<std::uint16_t>(c.window() >> c.record.rcv_wscale);
  put_timestamps(c.record, c.ts_offset, c.now, c.answer);
}

// The same, at most once in 500 ms (RFC 5961 7).
HalfOpenResult challenge(const Context& c, Verdict verdict) noexcept {
  constexpr std::uint16_t kIntervalMs = 500;
  const auto ms = static_cast<std::uint16_t>(now_ms(c.now));
  const std::uint16_t last_ms = c.record.challenge_ms;
  if (last_ms != 0 && static_cast<std::uint16_t>(ms - last_ms) < kIntervalMs) {
    return {Verdict::kChallengeLimited, HalfOpenAction::kStay};
  }
  c.record.challenge_ms = ms == 0 ? std::uint16_t{0xffff} : ms;  // 0 means never
  acknowledge(c);
  return {verdict, HalfOpenAction::kAnswer};
}

// Steps 2 and 4. An exact RST and an in-window SYN return the connection to LISTEN: it came from there.
HalfOpenResult on_reset(const Context& c, const Segment& segment) noexcept {
  const SeqNum rcv_nxt = c.record.irs + 1;
  if (segment.seq == rcv_nxt) return {Verdict::kSynRcvdReset, HalfOpenAction::kDrop};
  if (segment.seq.in_window(rcv_nxt, c.window())) return challenge(c, Verdict::kSynRcvdChallenge);
  return {Verdict::kSynRcvdIgnored, HalfOpenAction::kStay};
}

HalfOpenResult on_syn(const Context& c, const Segment& segment) noexcept {
  if (segment.seq == c.record.irs && !segment.has(kAck)) {
    const wire::TcpOptions& options = *segment.options;
    if ((c.record.flags & kTsOk) != 0 && options.has_ts && !before(options.tsval, c.record.ts_recent)) {
      c.record.ts_recent = options.tsval;
    }
    c.record.untimed = 1;
    if (!offers_ecn(segment)) c.record.flags &= ~kEcnOk & 0xfU;  // RFC 3168 6.1.1.1: the peer tries without
    return {Verdict::kSynRcvdDuplicateSyn, HalfOpenAction::kSynAck};
  }
  if (!acceptable(segment, c.record.irs + 1, c.window())) return challenge(c, Verdict::kSynRcvdOutOfWindow);
  return {Verdict::kSynRcvdSynReset, HalfOpenAction::kDrop};
}

}  // namespace

void half_open(HalfOpen& record, const FlowId& flow, const Segment& syn, SeqNum iss, const Params& params) noexcept {
  const wire::TcpOptions& options = *syn.options;
  record.flow = flow;
  const bool ecn = wants_ecn(params) && offers_ecn(syn);
  const std::uint32_t agreed = negotiated(options) | (ecn ? kEcnOk : 0U);
  const std::uint8_t our_shift = options.has_wscale ? window_shift(params.rcvbuf) : std::uint8_t{0};
  record.retries = 0;
  record.untimed = 0;
  record.rcv_wscale = our_shift & 0xfU;
  record.flags = agreed & 0xfU;
  record.snd_wscale = peer_shift(options) & 0xfU;
  record.iss = iss;
  record.irs = syn.seq;
  record.ts_recent = options.has_ts ? options.tsval : 0;
  record.peer_mss = options.has_mss ? options.mss : std::uint16_t{0};
  record.peer_wnd = syn.wnd;
  record.challenge_ms = 0;
}

OutSegment syn_ack(const HalfOpen& record, const Params& params, std::uint16_t mss, std::uint32_t ts_offset, Instant now) noexcept {
  OutSegment out;
  out.flags = (record.flags & kEcnOk) != 0 ? kSyn | kAck | kEce : kSyn | kAck;
  out.seq = record.iss;
  out.ack = record.irs + 1;
  out.wnd = syn_window(params.rcvbuf, record.rcv_wscale);
  out.options = kOptMss;
  out.mss = params.mss != 0 ? std::min(mss, params.mss) : mss;
  if ((record.flags & kWscaleOk) != 0) {
    out.options |= kOptWscale;
    out.wscale = record.rcv_wscale;
  }
  if ((record.flags & kSackOk) != 0) out.options |= kOptSackPermitted;
  put_timestamps(record, ts_offset, now, out);
  return out;
}

// RFC 9293 3.10.7.4 for SYN_RCVD. A segment with neither ACK, SYN nor RST is dropped before all else.
HalfOpenResult on_segment_half_open(HalfOpen& record, const Segment& segment, const Params& params, std::uint16_t,
                                    std::uint32_t ts_offset, Instant now, OutSegment& answer) noexcept {
  const Context c{record, params, ts_offset, now, answer};
  if (segment.has(kRst)) return on_reset(c, segment);
  if (segment.has(kSyn)) return on_syn(c, segment);
  if (!segment.has(kAck)) return {Verdict::kSynRcvdIgnored, HalfOpenAction::kStay};
  const wire::TcpOptions& options = *segment.options;
  if ((record.flags & kTsOk) != 0 && options.has_ts && before(options.tsval, record.ts_recent)) {
    return challenge(c, Verdict::kPaws);
  }
  if (!acceptable(segment, record.irs + 1, c.window())) return challenge(c, Verdict::kSynRcvdOutOfWindow);
  if (segment.ack != record.iss + 1) {  // step 5: the only ACK there can be
    reset_for(segment, answer);
    return {Verdict::kSynRcvdBadAck, HalfOpenAction::kAnswer};
  }
  return {Verdict::kSynRcvdEstablished, HalfOpenAction::kPromote};
}

bool completes_handshake(const HalfOpen& record, const Segment& segment, const Params& params) noexcept {
  if ((segment.flags & (kAck | kRst | kSyn)) != kAck) return false;
  if (segment.seq != record.irs + 1 || segment.ack != record.iss + 1) return false;
  // What begins at RCV.NXT is acceptable in any window but a shut one, as syn_window() would make it of so little.
  if (params.rcvbuf >> record.rcv_wscale == 0 && segment.seg_len() != 0) [[unlikely]] return false;
  const wire::TcpOptions& options = *segment.options;
  return (record.flags & kTsOk) == 0 || !options.has_ts || !before(options.tsval, record.ts_recent);
}

bool half_open_timeout(HalfOpen& record, Tick now) noexcept {
  if (record.retries == kSynAckRetries) return false;
  ++record.retries;
  const std::uint32_t deadline = now.value + (kTicksPerSecond << record.retries);
  record.deadline = Tick{deadline == 0 ? 1 : deadline};
  return true;
}

void open_passive(Tcb& tcb, const HalfOpen& record, std::uint16_t params, std::uint32_t ts_offset, Env& env) noexcept {
  tcb.flow = record.flow;
  tcb.params = params;
  const Params& p = env.of(tcb);
  tcb.flags = record.flags | kPassive;
  tcb.quickacks = p.quickack ? kQuickAcks : 0;
  tcb.rcv_nxt = tcb.last_ack_sent = record.irs + 1;
  tcb.rcv_wscale = record.rcv_wscale;
  tcb.rcv_wnd = static_cast<std::uint16_t>(syn_window(p.rcvbuf, tcb.rcv_wscale) >> tcb.rcv_wscale);
  tcb.snd_una = record.iss;
  tcb.snd_nxt = record.iss + 1;
  tcb.snd_wl1 = record.irs;
  tcb.snd_wl2 = record.iss;
  tcb.snd_wscale = record.snd_wscale;
  tcb.snd_wnd = tcb.max_snd_wnd = scaled_syn_window(record.peer_wnd, record.snd_wscale);
  tcb.mss = effective_mss(tcb, record.peer_mss, env);
  tcb.ts_offset = ts_offset;
  if ((record.flags & kTsOk) != 0) {
    tcb.ts_recent = record.ts_recent;
    tcb.ts_recent_age = age_clock(env.now);
  }
  // RFC 6298 5.7 and RFC 5681 3.1 ask how often its timer sent the SYN|ACK again; Karn forbids to time what was sent twice.
  tcb.backoff = record.retries;
  tcb.retransmits = record.retries;
  if (record.retries == 0 && record.untimed == 0 && record.deadline.armed()) {
    const std::uint32_t left = std::min(record.deadline.until(env.tick), kSynAckFirstTicks);
    tcb.flags |= kRttTiming;
    tcb.sent_us = env.now_us() - (kSynAckFirstTicks - left) * kUsPerTick;
  }
  enter(tcb, State::kSynRcvd, env);
}

}  // namespace sluice::tcp
