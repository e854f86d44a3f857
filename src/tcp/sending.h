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
// The same, looked for from `buf` on, which does not begin after it.
[[nodiscard]] Place place_from(Buf* buf, SeqNum seq) noexcept;
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
inline constexpr std::uint32_t kRtoMarginUs = 200'000;   // at least, beyond SRTT
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

// --- flight.cc: what is outstanding, and what an acknowledgment says of it (ADR-0008) ---
// What an acknowledgment brought.
struct AckNews {
  AckSample sample;              // `rtt_us`: of a byte that was sent once
  std::uint32_t sacked = 0;      // of sample.delivered: bytes that were reported
  std::uint32_t resent = 0;      // and bytes sent more than once
  SeqNum fack;                   // highest number acknowledged or reported before
  wire::SackBlock dsack;         // what arrived twice (RFC 2883)
  bool has_dsack = false;
  bool again = false;            // something that this recovery sent again arrived
  bool again_acked = false;      // and was acknowledged by its number, not only reported
  bool original = false;         // something that was sent once arrived, and was outstanding at the last timeout
  bool duplicate = false;        // a duplicate acknowledgment as RFC 5681 2 has it
  bool unmapped = false;         // it reported something, and there was no room to note it
  bool reorders = false;         // the path was known to reorder before it, and the peer reports
};
[[nodiscard]] inline SendMap* map_of(Tcb& tcb, Env& env) noexcept {
  return tcb.sends == kNoIndex ? nullptr : &env.maps[tcb.sends];
}
[[nodiscard]] inline const SendMap* map_of(const Tcb& tcb, const Env& env) noexcept {
  return tcb.sends == kNoIndex ? nullptr : &static_cast<const Slab<SendMap>&>(env.maps)[tcb.sends];
}
[[nodiscard]] inline SendRecords open(const Tcb& tcb, SendMap& map, Env& env) noexcept {
  return {map, tcb.snd_una, env.more_sends};
}
// The connection's map, made from what is outstanding if it has none; null when the slab is empty (counted), and
// while our SYN is outstanding.
SendMap* need_map(Tcb& tcb, Env& env) noexcept;
// Gives it back.
void drop_map(Tcb& tcb, Env& env) noexcept;
// SND.NXT has moved from `from` to its place: new data left.
void note_sent(Tcb& tcb, SeqNum from, Env& env) noexcept;
// [left, right), which was outstanding, left again.
void note_resent(Tcb& tcb, SeqNum left, SeqNum right, Env& env) noexcept;
// SND.UNA has moved by news.sample.acked.
void flight_acked(Tcb& tcb, const Segment& segment, AckNews& news, Env& env) noexcept;
// The peer reports `block`, which lies between SND.UNA and SND.NXT.
void flight_reported(Tcb& tcb, SendMap& map, wire::SackBlock block, const Segment& segment, AckNews& news,
                     Env& env) noexcept;
// --- sack.cc (RFC 2018, 2883): the blocks of an ACK, SND.UNA being in place already ---
void sack_note(Tcb& tcb, const Segment& segment, AckNews& news, Env& env) noexcept;

// --- rack.cc (RFC 8985) ---
// What was sent again `rtt_us` ago has arrived so soon that it is as it was sent before.
[[nodiscard]] bool is_too_soon(const Tcb& tcb, const SendMap& map, std::uint32_t rtt_us) noexcept;
// So, or the echoed timestamp of what acknowledges it says so (step 1). `end`: where it ends.
[[nodiscard]] bool is_ambiguous(const Tcb& tcb, const SendMap& map, SeqNum end, std::uint32_t rtt_us, const Segment& segment,
                                const Env& env) noexcept;
// A stretch [begin, end) that `record` tells of was acknowledged or reported, not ambiguously: step 2, and reordering.
void rack_delivered(Tcb& tcb, SendMap& map, const SendRecord& record, SeqNum end, std::uint32_t rtt_us, const AckNews& news) noexcept;
// Step 5: marks what is lost by now, and arms the reordering timer for what may be soon.
void rack_detect(Tcb& tcb, SendMap& map, Env& env) noexcept;
// A record not delivered for so long counts as lost when the timer runs out (6.3).
[[nodiscard]] bool rack_overdue(const Tcb& tcb, const SendMap& map, const SendRecord& record, const Env& env) noexcept;
// A duplicate was reported: the reordering window was too small.
void rack_widen(Tcb& tcb, Env& env) noexcept;
// A recovery ended without one.
void rack_recovered(Tcb& tcb, SendMap& map) noexcept;
// Time until a tail loss probe, at most `rto_us`; 0: none is due.
[[nodiscard]] std::uint32_t probe_timeout_us(const Tcb& tcb, std::uint32_t rto_us, const Env& env) noexcept;
// The probe timeout passed: sends the probe.
void on_probe_timeout(Tcb& tcb, Env& env) noexcept;
// What the acknowledgment says about the probe (7.4).
void probe_acked(Tcb& tcb, SendMap* map, const AckNews& news, Env& env) noexcept;

// --- undo.cc (RFC 3522, 4015, 5682, 2883) ---
// Recovery begins, or a timeout: what cwnd and ssthresh are now may be restored.
void undo_keep(Tcb& tcb, SendMap& map) noexcept;
// What `record`, which was sent more than once, says when its stretch up to `end` has arrived.
void undo_delivered(const Tcb& tcb, SendMap& map, const SendRecord& record, SeqNum end, std::uint32_t rtt_us, AckNews& news) noexcept;
// Looks whether the acknowledgment shows that recovery was not called for; then all is as before. True: it was undone.
bool undo_on_ack(Tcb& tcb, SendMap& map, const Segment& segment, const AckNews& news, Env& env) noexcept;

// --- recovery.cc (RFC 5681 3.2, 6582, 6675, 6937, 3042, 6298 5) ---
// Bytes that the network holds, as far as can be told.
[[nodiscard]] std::uint32_t pipe(const Tcb& tcb, const Env& env) noexcept;
// After flight_acked() and sack_note(): losses, recovery, cwnd.
void recover_on_ack(Tcb& tcb, const Segment& segment, AckNews& news, Env& env) noexcept;
// The reordering timer ran out.
void on_reorder_timeout(Tcb& tcb, Env& env) noexcept;
// The retransmission timer ran out: before cwnd is cut.
void before_timeout(Tcb& tcb, Env& env) noexcept;
// And after it: what must be lost by now goes again.
void retransmit_overdue(Tcb& tcb, Env& env) noexcept;
// A closed window opened over data it had swallowed, or the path takes less than was sent: all of it goes again.
void retransmit_all(Tcb& tcb, Env& env) noexcept;
// The next stretch to be retransmitted now, at most a full segment; empty: none.
[[nodiscard]] wire::SackBlock next_retransmission(Tcb& tcb, Env& env) noexcept;
// [left, end) was sent again; what of it is beyond SND.NXT for the first time.
void note_retransmitted(Tcb& tcb, SeqNum left, SeqNum end, Env& env) noexcept;

// --- ecn.cc ---
// New data on a connection with ECN: ECT(0), and CWR if it is due.
void ecn_mark(Tcb& tcb, OutSegment& out, Env& env) noexcept;

// --- calls.cc ---
// The application waits for room: kEventWritable when there is enough to be worth waking it.
void offer_room(Tcb& tcb, Env& env) noexcept;

// --- timers.cc ---
inline void stop_rexmt(Tcb& tcb) noexcept {
  tcb.t_rexmt = Tick{};
  tcb.flags &= ~(kPto | kReoTimer);
}
// Bytes of the peer's window beyond SND.NXT.
[[nodiscard]] std::uint32_t window_left(const Tcb& tcb) noexcept;
// The window is too small for what waits, and nothing outstanding would make the peer tell of a larger one.
[[nodiscard]] bool must_probe(const Tcb& tcb) noexcept;
void start_persist(Tcb& tcb, Env& env) noexcept;
// The window may have opened: ends probing when there is something worth sending.
void end_persist(Tcb& tcb, Env& env) noexcept;

// --- output.cc ---
// One segment whatever cwnd says: new data if there is any and the window admits it (true), else the last one again.
bool send_tail_probe(Tcb& tcb, Env& env) noexcept;
// Data or FIN beyond what may be sent by the rules, in answer to the persist timer.
void send_probe(Tcb& tcb, Env& env) noexcept;
void send_keepalive(Tcb& tcb, Env& env) noexcept;

}  // namespace sluice::tcp
