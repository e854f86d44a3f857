// SPDX-License-Identifier: BSD-3-Clause
// One connection's events in, segments out (RFC 9293 3.10). The stack finds the
// connection, calls one of these, delivers env.events to the application, calls
// output(), turns the Outbox into frames and arms the wheel at next_deadline().
// Everything here runs on the shard's thread and never blocks or allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buf.h"
#include "base/siphash.h"
#include "tcp/env.h"
#include "tcp/segment.h"
#include "tcp/tcb.h"
#include "tcp/verdict.h"

namespace sluice::tcp {

// Keys chosen at start (from the seed where one is given).
struct Secrets {
  SipKey isn;
  SipKey timestamps;
  SipKey cookies = {};                 // of SYNs: the keys in use are derived from it
  SipKey fast_open = {};               // the same for Fast Open cookies
};

// Those of the flows of one of our addresses: it comes first in what is hashed, and is hashed once.
struct LocalSecrets {
  LocalSecrets(const Secrets& secrets, const IpAddress& local) noexcept;
  SipHasher<2, 4> isn, timestamps;
};

// --- segments without a connection: values in, at most one answer out ---

// RFC 9293 3.10.7.1. Fills in `answer` when the verdict is kClosedReset.
Verdict on_segment_closed(const Segment& segment, OutSegment& answer) noexcept;

// RFC 9293 3.10.7.2, up to the decision. kListenSyn: make a half-open record with
// half_open(); kListenReset: send the answer of on_segment_closed(); else drop.
Verdict on_segment_listen(const Segment& segment) noexcept;

// F of RFC 6528 for this flow; `secrets` are those of the flow's own address.
[[nodiscard]] std::uint32_t isn_hash(const LocalSecrets& secrets, const FlowId& flow) noexcept;
// The same of four IPv4 flows of one of our addresses at once.
[[nodiscard]] std::array<std::uint32_t, 4> isn_hashes_v4(const LocalSecrets& secrets, const std::array<const FlowId*, 4>& flows) noexcept;
// ISS of RFC 6528 at `now`; `hash` is the flow's isn_hash().
[[nodiscard]] SeqNum initial_sequence(std::uint32_t hash, Instant now) noexcept;
[[nodiscard]] inline SeqNum initial_sequence(const LocalSecrets& secrets, const FlowId& flow, Instant now) noexcept {
  return initial_sequence(isn_hash(secrets, flow), now);
}
// The same `iss`, or one above `last`, the last number of the flow's connection before this one.
[[nodiscard]] SeqNum initial_sequence_above(SeqNum iss, SeqNum last) noexcept;
// What is added to the millisecond clock for TSval: constant for a flow, unknown to others.
std::uint32_t timestamp_offset(const LocalSecrets& secrets, const FlowId& flow) noexcept;

// --- passive half-open connections (SYN_RCVD from LISTEN) ---

// Fills in the record from the SYN (RFC 7323, 2018 negotiation); iss is given by the caller.
void half_open(HalfOpen& record, const FlowId& flow, const Segment& syn, SeqNum iss, const Params& params) noexcept;
// The SYN|ACK, first or again. `mss` is what we announce.
[[nodiscard]] OutSegment syn_ack(const HalfOpen& record, const Params& params, std::uint16_t mss, std::uint32_t ts_offset,
                                 Instant now) noexcept;

inline constexpr std::uint32_t kSynAckFirstTicks = 8'000;  // 1 s (RFC 6298 2.1)
inline constexpr std::uint8_t kSynAckRetries = 5;          // after 1, 3, 7, 15, 31 s; given up at 63 s

enum class HalfOpenAction : std::uint8_t {
  kStay,     // nothing more
  kAnswer,   // send `answer`
  kSynAck,   // send the SYN|ACK again
  kPromote,  // acceptable ACK: make a connection with open_passive(), then give it the segment
  kDrop,     // forget the record; `answer` is to be sent when its flags are not 0
};
struct HalfOpenResult {
  Verdict verdict;
  HalfOpenAction action;
};
HalfOpenResult on_segment_half_open(HalfOpen& record, const Segment& segment, const Params& params, std::uint16_t mss,
                                    std::uint32_t ts_offset, Instant now, OutSegment& answer) noexcept;
// The segment that nearly all handshakes end with: one that on_segment_half_open() would answer with kSynRcvdEstablished and
// kPromote, and that begins at RCV.NXT. False for any other.
[[nodiscard]] bool completes_handshake(const HalfOpen& record, const Segment& segment, const Params& params) noexcept;
// What on_segment() would do with that segment, after open_passive(): everything it asks is known by then.
void complete_handshake(Tcb& tcb, Segment& segment, Env& env) noexcept;
// The SYN|ACK timer. The stack arms the first one, kSynAckFirstTicks after the SYN; then here: true, and the next
// deadline set, while another SYN|ACK should be sent; false: give up.
bool half_open_timeout(HalfOpen& record, Tick now) noexcept;

// A full connection in SYN_RCVD from its record. The segment that promoted it follows by on_segment().
void open_passive(Tcb& tcb, const HalfOpen& record, std::uint16_t params, std::uint32_t ts_offset, Env& env) noexcept;

// --- full connections ---

// Active OPEN: tcb.flow and tcb.params are set. Sends the SYN.
void open_active(Tcb& tcb, SeqNum iss, std::uint32_t ts_offset, Env& env) noexcept;
// The same with `text` queued, as much of it as sndbuf has room for, to be sent first; false when there are no buffers for that:
// then it is to be aborted, and its SYN dropped. With `fast` (RFC 7413) and a cookie as much of it as `mss` (the server's, of last
// time) admits goes with the SYN; without a cookie the SYN asks for one.
[[nodiscard]] bool open_active_with(Tcb& tcb, SeqNum iss, std::uint32_t ts_offset, std::span<const std::uint8_t> text, bool fast,
                                    std::span<const std::uint8_t> cookie, std::uint16_t mss, Env& env) noexcept;
// Passive OPEN by a SYN with a good cookie, after open_passive(): its text is taken, the SYN|ACK sent, and the
// application may begin (kEventConnected) in SYN_RCVD.
Verdict open_passive_fast(Tcb& tcb, Segment& syn, Env& env) noexcept;

// RFC 9293 3.10.7.3 and 3.10.7.4. Takes segment.payload or leaves it. CLOSED afterwards
// (kEventClosed): the stack calls release() once the application has been told. With kTimeWaitReused
// the connection was in TIME_WAIT and is CLOSED now; the SYN wants a new one, its ISS above tcb.snd_nxt.
Verdict on_segment(Tcb& tcb, Segment& segment, Env& env) noexcept;
// The same for an ICMP error about a segment of ours whose sequence number was in flight
// (RFC 5927): hard ones abort SYN_SENT, all others are only noted.
void on_icmp_error(Tcb& tcb, Errc error, bool hard, Env& env) noexcept;
// The path takes segments of `mss` (payload and options) only, less than tcb.mss. What is outstanding and larger
// is retransmitted, cwnd as it is. The stack calls output() afterwards.
void lower_mss(Tcb& tcb, std::uint16_t mss, Env& env) noexcept;
// After kEventR1: the next smaller MSS, if the size of what goes unanswered may be the reason; else 0.
[[nodiscard]] std::uint16_t black_hole_mss(const Tcb& tcb) noexcept;
// One segment of new data as large as `mss` allows, to see whether the path takes it (RFC 4821 7.4): true when it is
// in the outbox. The stack learns from SND.UNA what became of it; lost, it is sent again in segments of tcb.mss.
bool send_mtu_probe(Tcb& tcb, std::uint16_t mss, Env& env) noexcept;
// Whatever is due at env.tick.
void on_timer(Tcb& tcb, Env& env) noexcept;
// Sends what may be sent now: data, FIN, retransmissions, the acknowledgment owed.
void output(Tcb& tcb, Env& env) noexcept;
// The earliest timer; !armed() when there is none.
[[nodiscard]] Tick next_deadline(const Tcb& tcb) noexcept;

// Calls (RFC 9293 3.10.2-3.10.6). After each the stack calls output().
[[nodiscard]] bool can_send(const Tcb& tcb) noexcept;                   // the state allows SEND and no FIN is queued
[[nodiscard]] std::uint32_t send_room(const Tcb& tcb, const Env& env) noexcept;  // bytes
// Copies; returns bytes taken.
std::size_t send(Tcb& tcb, std::span<const std::uint8_t> bytes, Env& env) noexcept;
// Queues the buffer itself (data, len: the payload); false when there is no room for all of it.
bool send(Tcb& tcb, Buf* buf, Env& env) noexcept;
// Takes the first queued buffer, or its first `max` bytes (then copied when the rest stays); null: nothing.
[[nodiscard]] Buf* receive(Tcb& tcb, std::size_t max, Env& env) noexcept;
std::size_t receive(Tcb& tcb, std::span<std::uint8_t> out, bool peek, Env& env) noexcept;
void shutdown_write(Tcb& tcb, Env& env) noexcept;
void shutdown_read(Tcb& tcb, Env& env) noexcept;
// CLOSE by an application that lets go of its handle: kAppClosed. Unread bytes or linger 0: RST and CLOSED.
void close(Tcb& tcb, Env& env) noexcept;
// ABORT: RST where RFC 9293 3.10.5 asks for one, then CLOSED. No kEventClosed.
void abort(Tcb& tcb, Errc error, Env& env) noexcept;
// An option in params has changed: nodelay, cork, keepalive, buffers, mss.
void params_changed(Tcb& tcb, Env& env) noexcept;

[[nodiscard]] bool at_eof(const Tcb& tcb) noexcept;  // FIN received and every byte before it read
[[nodiscard]] std::uint32_t rto_us(const Tcb& tcb) noexcept;
[[nodiscard]] std::uint32_t snd_wnd_bytes(const Tcb& tcb) noexcept;
[[nodiscard]] std::uint32_t rcv_wnd_bytes(const Tcb& tcb) noexcept;  // left of the announced window, from RCV.NXT

// The wheel has found no timer due: a congestion block that was quiet for an RTO is given back. If it is not yet
// time, when to ask again; else !armed().
[[nodiscard]] Tick rest(Tcb& tcb, Env& env) noexcept;

// Gives back queues and side blocks.
void release(Tcb& tcb, Env& env) noexcept;

// --- TIME_WAIT ---

// True when the connection is in TIME_WAIT and nothing of it is needed but a record.
[[nodiscard]] bool may_compact(const Tcb& tcb) noexcept;
void time_wait(TimeWait& record, const Tcb& tcb) noexcept;

enum class TimeWaitAction : std::uint8_t {
  kStay,
  kAnswer,   // send `answer`
  kRestart,  // send `answer` and let 2MSL begin again
  kReuse,    // a SYN that may open a new connection: drop the record, treat it as for LISTEN; ISS above snd_nxt
};
struct TimeWaitResult {
  Verdict verdict;
  TimeWaitAction action;
};
// May an open of our own take the four-tuple, `age_ms` after TIME_WAIT began?
[[nodiscard]] bool may_reopen(const TimeWait& record, std::int64_t age_ms) noexcept;
TimeWaitResult on_segment_time_wait(TimeWait& record, const Segment& segment, Instant now, OutSegment& answer) noexcept;

// --- correctness ---

// Null when every invariant holds, else the one that does not. For tests, simulation, fuzzing.
[[nodiscard]] const char* broken_invariant(const Tcb& tcb, const Env& env) noexcept;

}  // namespace sluice::tcp
