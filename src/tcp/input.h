// SPDX-License-Identifier: BSD-3-Clause
// What the files of the input side share; included by them only.
#pragma once

#include "base/modular.h"
#include "tcp/internal.h"
#include "tcp/options.h"

namespace sluice::tcp {

// RFC 7323 5.3 R1: TS.Recent says that the segment is from the past.
[[nodiscard]] inline bool paws_rejects(const Tcb& tcb, const Segment& segment, const Env& env) noexcept {
  return (tcb.flags & kTsOk) != 0 && segment.options->has_ts && before(segment.options->tsval, tcb.ts_recent) &&
         !ts_recent_outdated(tcb.ts_recent_age, env.now);
}

// RFC 7323 4.3 (2), 5.3 R3, for a segment whose ACK was found acceptable: its sequence number must not be
// trimmed yet.
inline void note_timestamp(Tcb& tcb, const Segment& segment, const Env& env) noexcept {
  if ((tcb.flags & kTsOk) == 0 || !segment.options->has_ts || segment.seq.after(tcb.last_ack_sent)) return;
  const std::uint32_t tsval = segment.options->tsval;
  if (before(tsval, tcb.ts_recent) && !ts_recent_outdated(tcb.ts_recent_age, env.now)) return;
  tcb.ts_recent = tsval;
  tcb.ts_recent_age = age_clock(env.now);
}

inline void trim_front(Segment& segment, std::uint32_t bytes) noexcept {
  segment.seq += bytes;
  segment.len -= bytes;
  segment.payload->data += bytes;
  segment.payload->len -= bytes;
}
inline void trim_back(Segment& segment, std::uint32_t bytes) noexcept {
  segment.len -= bytes;
  segment.payload->len -= bytes;
}

// --- input_synchronized.cc ---
// Our SYN is acknowledged: SND.UNA and the send window (`snd_wnd` as it is kept), ESTABLISHED, kEventConnected.
void establish(Tcb& tcb, const Segment& segment, std::uint16_t snd_wnd, Env& env) noexcept;
// RFC 9293 3.10.7.4, steps 6 to 8. `verdict` is what the segment amounts to without text and FIN.
Verdict accept_text_and_fin(Tcb& tcb, Segment& segment, Env& env, Verdict verdict) noexcept;

// --- fast_open.cc ---
// The ACK of the SYN|ACK of a connection that began with it: perhaps of more than that.
void establish_fast(Tcb& tcb, const Segment& segment, Env& env) noexcept;

// --- ecn.cc, on connections with ECN ---
// An acceptable acknowledgment was processed; `acked` bytes were new, and cwnd was `cwnd` before it.
void ecn_acked(Tcb& tcb, const Segment& segment, std::uint32_t acked, std::uint32_t cwnd, Env& env) noexcept;
// Text that passed the tests of steps 1 to 5, before it is taken.
void ecn_text(Tcb& tcb, const Segment& segment, Env& env) noexcept;

// --- reassembly.cc ---
// Bytes [left, right) came twice: reported once, if the peer understands SACK (RFC 2883).
void note_duplicate(Tcb& tcb, SeqNum left, SeqNum right, Env& env) noexcept;
// The peer's FIN is ahead of a gap at `fin_seq`; false when there is no room to remember it.
bool hold_fin(Tcb& tcb, SeqNum fin_seq, Env& env) noexcept;
// Everything out of order is given back.
void drop_out_of_order(Tcb& tcb, Env& env) noexcept;

// --- time_wait.cc ---
// TIME_WAIT while the application still holds the connection.
Verdict input_time_wait(Tcb& tcb, const Segment& segment, Env& env) noexcept;

}  // namespace sluice::tcp
