// SPDX-License-Identifier: BSD-3-Clause
// A TCP segment as values: what arrived (Segment) and what is to be sent (OutSegment).
#pragma once

#include <cstdint>

#include "base/buf.h"
#include "base/seq_num.h"
#include "wire/tcp_options.h"

namespace sluice::tcp {

enum Flag : std::uint8_t {
  kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10, kUrg = 0x20, kEce = 0x40, kCwr = 0x80,
};

// A received segment, already checked by the wire layer.
struct Segment {
  SeqNum seq;                          // SEG.SEQ
  SeqNum ack;                          // SEG.ACK
  std::uint32_t len = 0;               // bytes of payload
  std::uint16_t wnd = 0;               // SEG.WND as in the header, unscaled
  std::uint8_t flags = 0;              // Flag
  bool ce = false;                     // its packet was marked: congestion experienced
  const wire::TcpOptions* options = nullptr;  // never null when given to the core
  // Holds the payload: data and len cover just it. The core takes the buffer by setting
  // this to null; what it leaves, the caller releases. May be null when len is 0.
  Buf* payload = nullptr;

  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  // SEG.LEN of RFC 9293: SYN and FIN count.
  [[nodiscard]] std::uint32_t seg_len() const noexcept {
    return len + (has(kSyn) ? 1U : 0U) + (has(kFin) ? 1U : 0U);
  }
};

// Which options an OutSegment carries.
enum OutOption : std::uint8_t {
  kOptMss = 1, kOptWscale = 2, kOptSackPermitted = 4, kOptTimestamps = 8, kOptSack = 16, kOptFastOpen = 32,
};

// A segment to send. The stack turns it into a frame at once, before the next event,
// so it may point into the connection's send queue.
struct OutSegment {
  SeqNum seq;
  SeqNum ack;
  std::uint16_t wnd = 0;               // as in the header: scaled already
  std::uint8_t flags = 0;              // Flag
  std::uint8_t options = 0;            // OutOption
  std::uint16_t mss = 0;               // with kOptMss
  std::uint8_t wscale = 0;             // with kOptWscale
  std::uint8_t n_sack = 0;             // with kOptSack
  bool ect = false;                    // its packet may be marked (ECT(0))
  std::uint8_t fast_open_len = 0;      // with kOptFastOpen; 0: a cookie is asked for
  std::uint32_t tsval = 0, tsecr = 0;  // with kOptTimestamps
  const std::uint8_t* fast_open = nullptr;  // the cookie
  Buf* chunk = nullptr;                // first buffer of the payload, in the send queue
  std::uint32_t chunk_offset = 0;      // payload starts at chunk->data + chunk_offset
  std::uint32_t len = 0;               // bytes of payload; may run on into chunk->next and further
  wire::SackBlock sack[4];
};

}  // namespace sluice::tcp
