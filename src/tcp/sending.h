// SPDX-License-Identifier: BSD-3-Clause
// What the files of the output side share; included by them only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tcp/congestion.h"
#include "tcp/internal.h"

namespace sluice::tcp {

// Payload of a full segment: what the MSS leaves beside the options of every segment (RFC 6691, 9293 3.7.1).
[[nodiscard]] inline std::uint32_t smss(const Tcb& tcb) noexcept {
  return tcb.mss - ((tcb.flags & kTsOk) != 0 ? static_cast<std::uint32_t>(wire::kTcpTimestampsPadded) : 0U);
}
// Sequence numbers sent and not acknowledged: data, SYN and FIN.
[[nodiscard]] inline std::uint32_t in_flight(const Tcb& tcb) noexcept { return tcb.snd_nxt - tcb.snd_una; }

// A deadline so many microseconds from now; Tick's range bounds it.
[[nodiscard]] inline Tick after_us(const Env& env, std::int64_t us) noexcept {
  constexpr std::int64_t kMaxUs = 250'000'000'000;  // nearly three days
  return Tick::ceil(env.now + Duration::microseconds(std::min(us, kMaxUs)));
}
[[nodiscard]] inline bool is_due(Tick deadline, const Env& env) noexcept {
  return deadline.armed() && !env.tick.before(deadline);
}

// Our SYN has not been acknowledged: SND.UNA is its number.
[[nodiscard]] inline bool syn_unacked(const Tcb& tcb) noexcept {
  return tcb.state == State::kSynSent || tcb.state == State::kSynRcvd || (tcb.flags & kSynUnacked) != 0;
}

// --- send_queue.cc ---
struct Place {
  Buf* buf;
  std::uint32_t offset;  // from buf->data
};
// The sequence number behind the last queued byte: our FIN's.
[[nodiscard]] inline SeqNum queue_end(const Tcb& tcb) noexcept {
  if ((tcb.flags & kFinSent) != 0) return tcb.snd_nxt - 1;
  return tcb.snd_una + (tcb.snd_queued + (syn_unacked(tcb) ? 1U : 0U));
}
// Queued bytes that were never sent.
[[nodiscard]] inline std::uint32_t unsent(const Tcb& tcb) noexcept {
  return (tcb.flags & kFinSent) != 0 ? 0 : queue_end(tcb) - tcb.snd_nxt;
}
[[nodiscard]] inline bool fin_pending(const Tcb& tcb) noexcept {
  return (tcb.flags & (kFinQueued | kFinSent)) == kFinQueued;
}
// Where the queued byte with this number is. `seq` is before queue_end() and not before SND.UNA.
[[nodiscard]] Place place_of(const Tcb& tcb, SeqNum seq) noexcept;
// Copies behind the last byte as much as there are buffers for; returns bytes taken.
std::size_t queue_copy(Tcb& tcb, std::span<const std::uint8_t> bytes, Env& env) noexcept;
// Queues the buffer itself, or the bytes of a small one.
void queue_buf(Tcb& tcb, Buf* buf, Env& env) noexcept;
// The first `bytes` are acknowledged: buffers without others are given back. SND.UNA has moved already.
void queue_acked(Tcb& tcb, std::uint32_t bytes, Env& env) noexcept;
void queue_clear(Tcb& tcb, Env& env) noexcept;

// --- rtt.cc (RFC 6298) ---
inline constexpr std::uint32_t kRtoInitialUs = 1'000'000;
inline constexpr std::uint32_t kRtoSynLostUs = 3'000'000;  // RFC 6298 5.7
inline constexpr std::uint32_t kRtoMinUs = 200'000;
inline constexpr std::uint32_t kRtoMaxUs = 120'000'000;
void rtt_sample(Tcb& tcb, std::uint32_t rtt_us) noexcept;
// From the timestamp that an acknowledgment of new data echoes (RFC 7323 4.3); 0 for nonsense.
[[nodiscard]] std::uint32_t echoed_rtt_us(const Tcb& tcb, std::uint32_t tsecr, const Env& env) noexcept;
// No sample yet, and our SYN was lost: data begins with kRtoSynLostUs.
void rtt_syn_lost(Tcb& tcb) noexcept;
// RTO without back-off.
[[nodiscard]] std::uint32_t base_rto_us(const Tcb& tcb) noexcept;
// `base_us` after so many doublings, at most `max_us`.
[[nodiscard]] std::uint32_t backed_off_us(std::uint32_t base_us, unsigned doublings, std::uint32_t max_us) noexcept;

// --- sack.cc: the scoreboard (RFC 2018, 6675) ---
// Notes the blocks of an ACK in (SND.UNA, SND.NXT]; returns bytes that were news.
std::uint32_t sack_note(Tcb& tcb, const wire::TcpOptions& options, Env& env) noexcept;
// Marks [left, right), merging; returns bytes that were news. When it is full the highest range is forgotten.
std::uint32_t sack_mark(Side& side, SeqNum left, SeqNum right) noexcept;
// SND.UNA moved: marks below it are forgotten.
void sack_advance(Side& side, SeqNum snd_una) noexcept;
// Bytes of [from, to) that are not marked.
[[nodiscard]] std::uint32_t unsacked(const Side& side, SeqNum from, SeqNum to) noexcept;
// RFC 6675 IsLost(): what is unmarked before this is taken for lost. SND.UNA when nothing is.
[[nodiscard]] SeqNum lost_edge(const Side& side, SeqNum snd_una, std::uint32_t smss) noexcept;
// First unmarked stretch at or after `from`, ending at the next mark or at `limit`; empty when there is none.
[[nodiscard]] wire::SackBlock next_hole(const Side& side, SeqNum from, SeqNum limit) noexcept;

// --- recovery.cc (RFC 5681 3.2, 6582, 6675, 3042, 6298 5) ---
// Bytes that the network holds, as far as can be told.
[[nodiscard]] std::uint32_t pipe(const Tcb& tcb, const Env& env) noexcept;
// What the congestion window admits now: cwnd, and limited transmit.
[[nodiscard]] std::uint32_t send_allowance(const Tcb& tcb) noexcept;
void on_duplicate_ack(Tcb& tcb, Env& env) noexcept;
// SND.UNA has moved.
void on_new_ack(Tcb& tcb, const AckSample& sample, Env& env) noexcept;
// The timer ran out, or a closed window opened over data it had swallowed: everything outstanding goes again.
void retransmit_all(Tcb& tcb, Env& env) noexcept;
// The next stretch to be retransmitted now, at most a full segment; empty: none.
[[nodiscard]] wire::SackBlock next_retransmission(const Tcb& tcb, const Env& env) noexcept;
// It was sent again, up to `end`.
void note_retransmitted(Tcb& tcb, SeqNum end, Env& env) noexcept;

// --- calls.cc ---
// The application waits for room: kEventWritable when there is enough to be worth waking it.
void offer_room(Tcb& tcb, Env& env) noexcept;

// --- timers.cc ---
// Bytes of the peer's window beyond SND.NXT.
[[nodiscard]] std::uint32_t window_left(const Tcb& tcb) noexcept;
// The window is too small for what waits, and nothing outstanding would make the peer tell of a larger one.
[[nodiscard]] bool must_probe(const Tcb& tcb) noexcept;
void start_persist(Tcb& tcb, Env& env) noexcept;
// The window may have opened: ends probing when there is something worth sending.
void end_persist(Tcb& tcb, Env& env) noexcept;

// --- output.cc ---
// Data or FIN beyond what may be sent by the rules, in answer to the persist timer.
void send_probe(Tcb& tcb, Env& env) noexcept;
void send_keepalive(Tcb& tcb, Env& env) noexcept;

}  // namespace sluice::tcp
