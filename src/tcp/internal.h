// SPDX-License-Identifier: BSD-3-Clause
// How the files of src/tcp call each other; nobody outside includes this. The input
// side (what a segment means) and the output side (what is sent, and when) meet here.
#pragma once

#include <cstdint>

#include "tcp/state.h"
#include "tcp/tcp.h"

namespace sluice::tcp {

// --- state.cc; enter() is in state.h ---
// Ends the connection: every timer off, error noted (a soft one of ICMP in place of a time-out), CLOSED,
// kEventClosed unless the application let go.
void finish(Tcb& tcb, Errc error, Env& env) noexcept;

// --- ack.cc: acknowledgments that the peer sends (output side) ---
// RFC 9293 3.10.7.4 step 5 for a synchronized state, the ACK being acceptable
// (SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT): SND.UNA, the send queue, round-trip time, congestion control,
// scoreboard and recovery, send window (WL1/WL2), retransmission timer. State changes are the caller's.
Verdict on_ack(Tcb& tcb, const Segment& segment, Env& env) noexcept;
// Our FIN was sent and is acknowledged.
[[nodiscard]] bool fin_acked(const Tcb& tcb) noexcept;
// ESTABLISHED was just entered by an ACK of our SYN. SND.UNA, the send window and max_snd_wnd are set already
// (on_ack() is not called for that segment); tcb.backoff is not 0 when our SYN went out more than once.
// Initial cwnd, round-trip sample of the handshake, timers.
void start_sending(Tcb& tcb, Env& env) noexcept;

// --- output.cc ---
// A pure ACK now, in any synchronized state (also SYN_RCVD); clears what was owed.
void send_ack(Tcb& tcb, Env& env) noexcept;
// <SEQ=SND.NXT><CTL=RST,ACK>: aborts.
void send_reset(Tcb& tcb, Env& env) noexcept;
// SYN or SYN|ACK, first or again, by state.
void send_syn(Tcb& tcb, Env& env) noexcept;
// RST answering a segment with an ACK field: <SEQ=SEG.ACK><CTL=RST>; else <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
void reset_for(const Segment& segment, OutSegment& answer) noexcept;

// --- timers.cc (output side) ---
void restart_rexmt(Tcb& tcb, Env& env) noexcept;    // after new data was acknowledged, or first data sent
void restart_keepalive(Tcb& tcb, Env& env) noexcept;  // activity: probes forgotten, idle counted anew (if enabled)
void start_time_wait(Tcb& tcb, Env& env) noexcept;  // 2MSL from now in t_long, the others off
void start_fin_wait_2(Tcb& tcb, Env& env) noexcept; // full close only: bounded stay
// Delayed ACK rules: every second segment, at most 40 ms (quickack: now).
void acknowledge_later(Tcb& tcb, Env& env) noexcept;

// --- receive_window.cc (input side) ---
// The shift that lets 16 bits announce a buffer: what we offer in a SYN.
[[nodiscard]] std::uint8_t window_shift(std::uint32_t rcvbuf) noexcept;
// The window of a SYN, in bytes: unscaled in the header, and a multiple of what the shift can express.
[[nodiscard]] std::uint16_t syn_window(std::uint32_t rcvbuf, std::uint8_t shift) noexcept;
// Bytes to announce now: never retreats, no silly windows (RFC 9293 3.8.6.2.2), bounded by rcvbuf.
[[nodiscard]] std::uint32_t receive_window(const Tcb& tcb, const Env& env) noexcept;
// The same, as a header field, noted as sent (rcv_wnd, last_ack_sent). On SYNs unscaled.
std::uint16_t announce_window(Tcb& tcb, bool syn, Env& env) noexcept;
// Reading made enough room that the peer must hear of it.
[[nodiscard]] bool window_update_due(const Tcb& tcb, const Env& env) noexcept;
// The right edge announced last: nothing beyond it is accepted.
[[nodiscard]] inline SeqNum right_edge(const Tcb& tcb) noexcept {
  return tcb.last_ack_sent + (static_cast<std::uint32_t>(tcb.rcv_wnd) << tcb.rcv_wscale);
}

// --- reassembly.cc (input side) ---
// Queues the payload (taking the buffer) in order or ahead of a gap; RCV.NXT moves. The caller has trimmed it to
// the window and to RCV.NXT.
Verdict reassemble(Tcb& tcb, Segment& segment, Env& env) noexcept;
// SACK blocks for an outgoing segment, newest first, D-SACK before them; returns how many (<= max).
unsigned sack_blocks(Tcb& tcb, Env& env, wire::SackBlock* out, unsigned max) noexcept;

// --- side blocks (side.cc) ---
// The connection's side block, taken from the slab if it has none; null when the slab is empty (counted).
Side* need_side(Tcb& tcb, Env& env) noexcept;
[[nodiscard]] inline Side* side_of(Tcb& tcb, Env& env) noexcept {
  return tcb.side == kNoIndex ? nullptr : &env.sides[tcb.side];
}
// Returns it when reassembly is done with it: no ooo data or FIN, no block to report.
void drop_idle_side(Tcb& tcb, Env& env) noexcept;

// --- challenge.cc (input side) ---
// RFC 5961 section 7's limit, a connection at a time, hence no global side channel: one in 500 ms.
// False when it was withheld (counted).
bool challenge_ack(Tcb& tcb, Env& env) noexcept;

// --- options.cc (input side) ---
// SEND's MSS from what the peer's SYN offered (0: nothing): RFC 9293 3.7.1's default, at least kMinMss,
// at most what the route and the owner allow.
[[nodiscard]] std::uint16_t effective_mss(const Tcb& tcb, std::uint16_t offered, const Env& env) noexcept;

// --- by state (input side) ---
Verdict input_syn_sent(Tcb& tcb, Segment& segment, Env& env) noexcept;      // 3.10.7.3
Verdict input_synchronized(Tcb& tcb, Segment& segment, Env& env) noexcept;  // 3.10.7.4
// In-order data or a pure ACK in ESTABLISHED with nothing unusual: true and the verdict, else false and nothing
// was done.
bool fast_path(Tcb& tcb, Segment& segment, Env& env, Verdict& verdict) noexcept;
// The peer's FIN in FIN_WAIT_1 or FIN_WAIT_2, with nothing open but its acknowledgment: true, TIME_WAIT, and the verdict would
// be kFinAccepted; else false and nothing was done. What only a longer life would want to know (round trip, congestion
// window, send window) is not looked at.
bool closing_path(Tcb& tcb, const Segment& segment, Env& env) noexcept;

}  // namespace sluice::tcp
