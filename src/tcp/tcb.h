// SPDX-License-Identifier: BSD-3-Clause
// The transmission control block: all the state of one connection, three cache
// lines of which a data segment in order touches the first two. Variables carry
// RFC 9293's names. Owned by one shard's slab; touched by that shard's thread only.
#pragma once

#include <cstdint>

#include "base/buf.h"
#include "base/seq_num.h"
#include "base/slab.h"
#include "base/tick.h"
#include "base/timer_node.h"
#include "sluice/connection.h"
#include "tcp/flow_id.h"
#include "tcp/params.h"
#include "wire/tcp_options.h"

namespace sluice::tcp {

enum TcbFlag : std::uint32_t {
  // negotiated
  kTsOk = 1U << 0U,             // timestamps in use
  kSackOk = 1U << 1U,           // the peer understands SACK
  kWscaleOk = 1U << 2U,         // both window scales apply
  kEcnOk = 1U << 3U,            // both ends understand ECN
  // sending
  kFinQueued = 1U << 28U,       // our FIN follows the last queued byte
  kFinSent = 1U << 4U,          // SND.NXT counts it
  kRttTiming = 1U << 5U,        // without a send map: the next acknowledgment measures the round trip
  kInRecovery = 1U << 6U,       // fast recovery (RFC 6675, RFC 6582); there is a send map
  kInRtoRecovery = 1U << 7U,    // retransmitting after a timeout; there is a send map
  kPersist = 1U << 8U,          // t_rexmt runs zero-window probes
  kWantWritable = 1U << 9U,     // the application was told "no room"
  // acknowledging
  kAckNow = 1U << 10U,          // output() must send an acknowledgment
  kAckDelayed = 1U << 11U,      // one may wait for t_delack
  kAckSecond = 1U << 12U,       // one segment is unacknowledged already
  // receiving
  kFinReceived = 1U << 14U,     // in order: RCV.NXT counts it
  kFinOutOfOrder = 1U << 15U,   // seen ahead of a gap; its place is in the side block
  kRcvShutdown = 1U << 16U,     // what arrives is dropped after acknowledgment
  // application
  kAppClosed = 1U << 17U,       // the handle is gone: nobody will read or write
  kPassive = 1U << 18U,         // came from a listener (SYN_RCVD returns to LISTEN)
  kMoreOutput = 1U << 20U,      // output() stopped at a full Outbox
  kAccepted = 1U << 21U,        // the application knows the connection
  // sending, again
  kRexmtOne = 1U << 22U,        // output() retransmits the segment at SND.UNA, whatever cwnd says
  kPto = 1U << 23U,             // t_rexmt is the probe timeout of RFC 8985 7, not the RTO
  kPartialOut = 1U << 19U,      // a segment that was not full left since everything was acknowledged last
  kSynUnacked = 1U << 24U,      // not SYN_RCVD, and our SYN still at SND.UNA: closed there, or sending began there
  kMtuProbe = 1U << 13U,        // a larger segment is to go, as a probe, or is under way (the stack knows how large)
  kReoTimer = 1U << 25U,        // t_rexmt is the reordering timer of RFC 8985 6.2, step 5
  kProbeDoubt = 1U << 26U,      // a tail loss probe up to SND.UNA was a retransmission: had anything been lost?
  kUntimed = 1U << 27U,         // without a send map: something was sent again, or at more than one time
  // ECN (RFC 3168 6.1)
  kEcnEcho = 1U << 29U,         // our acknowledgments carry ECE
  kEcnCwr = 1U << 30U,          // the next new data carries CWR
};

inline constexpr std::uint32_t kNoSsthresh = 0xffffffff;         // no congestion event yet
inline constexpr std::uint16_t kNoCongestionState = 0xffff;

struct alignas(64) Tcb {
  // line 0: who, and where both directions stand
  FlowId flow;
  State state = State::kClosed;        // written by enter() only
  std::uint8_t rcv_wscale : 4 = 0;
  std::uint8_t snd_wscale : 4 = 0;
  std::uint32_t flags = 0;             // TcbFlag
  SeqNum rcv_nxt;
  SeqNum last_ack_sent;                // RFC 7323 Last.ACK.sent
  std::uint16_t rcv_wnd = 0;           // as last announced, scaled: right edge last_ack_sent + (rcv_wnd << rcv_wscale)
  std::uint16_t snd_wnd = 0;           // as last received, scaled by snd_wscale (on SYNs unscaled)
  SeqNum snd_una;
  SeqNum snd_nxt;                      // never goes back: retransmissions have their own cursor
  SeqNum snd_wl1, snd_wl2;             // in SYN_SENT snd_wl2 is the end of the text that went with our SYN
  std::uint32_t ts_recent = 0;
  std::uint32_t challenge_ms : 24 = 0; // when the last challenge ACK left, in ms modulo 2^24; 0: never
  std::uint8_t quickacks : 5 = 0;      // segments still to be acknowledged at once (input side counts)
  std::uint8_t dupacks : 2 = 0;
  std::uint8_t reordered : 1 = 0;      // RACK.reordering_seen (RFC 8985 5.2)

  // line 1: queues and congestion control
  Buf* snd_head = nullptr;             // first unacknowledged byte is in it; Buf::seq says where
  Buf* snd_tail = nullptr;
  Buf* snd_cursor = nullptr;           // buffer that holds snd_nxt, a hint; null: search from snd_head
  Buf* rcv_head = nullptr;             // in order, not yet read
  Buf* rcv_tail = nullptr;
  std::uint32_t snd_queued = 0;        // bytes from snd_una on, sent or not
  std::uint32_t rcv_queued = 0;        // bytes in order, not yet read
  std::uint32_t cwnd = 0;              // bytes
  std::uint32_t ssthresh = kNoSsthresh; // bytes
  std::uint16_t mss = 0;               // largest payload plus options that may be sent
  std::uint16_t congestion = kNoCongestionState;  // CongestionState block
  std::uint32_t ts_offset = 0;         // added to the clock for TSval

  // line 2: timers, round trip, the rest
  std::uint32_t srtt_us8 = 0;          // SRTT in 1/8 us; 0: no sample yet
  std::uint32_t rttvar_us4 = 0;        // RTTVAR in 1/4 us
  std::uint32_t sends = kNoIndex;      // SendMap: what is outstanding, where that takes more than the next line
  std::uint32_t sent_us = 0;           // when data, or our SYN, was sent last; without a map: all that is outstanding
  TimerNode timer;                     // in the wheel, due at `armed`
  Tick armed;                          // the wheel's deadline, at or before the earliest below
  Tick t_rexmt;                        // retransmission or zero-window probe
  Tick t_delack;                       // delayed acknowledgment
  Tick t_long;                         // keepalive, FIN_WAIT_2 or 2MSL, by state
  void* context = nullptr;             // the application's
  std::uint32_t side = kNoIndex;       // Side block: reassembly, and what our SACKs report
  std::uint16_t params = 0;            // index of its Params
  std::uint16_t generation = 0;        // tells a stale handle from a fresh one (the stack's account)
  std::uint16_t max_snd_wnd = 0;       // largest window seen, scaled like snd_wnd
  std::uint16_t retransmits = 0;       // segments sent again, saturating
  std::uint8_t ts_recent_age = 0;      // when ts_recent was taken, in units of 2^15 s
  std::uint8_t backoff : 5 = 0;        // doublings of the RTO or of the probe interval, saturating
  std::uint8_t reo_mult : 3 = 0;       // RACK.reo_wnd_mult, less 1
  std::uint8_t keepalive_probes : 7 = 0;  // sent without an answer
  std::uint8_t fast_open : 1 = 0;      // RFC 7413: the application has it already, and our SYN|ACK is not acknowledged
  Errc error = Errc::kOk;              // pending, for the application
};
static_assert(sizeof(Tcb) == 192, "an idle connection is three cache lines, its table entry apart");

// What only a receiver in trouble needs: taken from a slab when the first hole appears,
// returned when all are filled. Without one (slab empty) out-of-order data is dropped.
struct Side {
  Buf* ooo_head = nullptr;             // out of order, sorted by Buf::seq, disjoint
  Buf* ooo_last = nullptr;             // first buffer of the last run: where most of what arrives ahead of a gap belongs
  Buf* ooo_near[2] = {};               // of runs where the last searches ended, the latest first; null: none. The next begins there
  std::uint32_t ooo_bytes = 0;         // payload bytes
  std::uint32_t ooo_bufs = 0;
  SeqNum fin_seq;                      // with kFinOutOfOrder
  std::uint8_t n_recent = 0;           // SACK blocks to report, newest first (RFC 2018 4)
  std::uint8_t has_dsack = 0;          // one duplicate to report once (RFC 2883)
  wire::SackBlock dsack;
  wire::SackBlock recent[4];
};
static_assert(sizeof(Side) <= 128);

// A connection whose SYN we answered, before its ACK (passive SYN_RCVD).
struct HalfOpen {
  FlowId flow;
  std::uint8_t retries : 3 = 0;        // SYN|ACKs sent again, by the timer
  std::uint8_t untimed : 1 = 0;        // a repeated SYN was answered with another: which one its ACK is for, nobody knows
  std::uint8_t rcv_wscale : 4 = 0;     // our shift, as the SYN|ACK says it: the listener's buffer may change
  std::uint8_t flags : 4 = 0;          // kTsOk, kSackOk, kWscaleOk, kEcnOk
  std::uint8_t snd_wscale : 4 = 0;     // the peer's shift
  TimerNode timer;
  Tick deadline;
  SeqNum iss, irs;
  std::uint32_t ts_recent = 0;
  std::uint16_t peer_mss = 0;          // as offered, or the default; bounded on use
  std::uint16_t peer_wnd = 0;
  std::uint16_t listener = 0;          // index of the listener in its stack
  std::uint16_t challenge_ms = 0;      // when the last challenge ACK left, modulo 2^16: a record lives 63 s; 0: never
};
static_assert(sizeof(HalfOpen) == 56, "with its table entry at most 64 bytes");

// A connection in TIME_WAIT whose application is done.
struct TimeWait {
  FlowId flow;
  std::uint8_t flags : 4 = 0;          // kTsOk
  std::uint8_t rcv_wscale : 4 = 0;
  std::uint8_t service = 0;            // whose it was (the stack's account)
  TimerNode timer;
  Tick deadline;
  SeqNum snd_nxt, rcv_nxt;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;
  std::uint16_t rcv_wnd = 0;           // as last announced, scaled
  IpFields ip;                         // as it was (the stack's account)
};
static_assert(sizeof(TimeWait) == 56, "with its table entry at most 64 bytes");

}  // namespace sluice::tcp
