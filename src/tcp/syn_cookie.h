// SPDX-License-Identifier: BSD-3-Clause
// SYN cookies (RFC 4987 3.6): a half-open connection that lives in the numbers of its
// SYN|ACK and nowhere else (ADR-0009 has the layout, the arithmetic and what it is worth).
// Values in, values out; any thread that owns its CookieKeys.
#pragma once

#include <array>
#include <cstdint>

#include "base/siphash.h"
#include "sluice/time.h"
#include "tcp/params.h"
#include "tcp/segment.h"
#include "tcp/tcb.h"

namespace sluice::tcp {

// Time is cut into slots, each with keys of its own. A cookie is good in its slot and in the next one, so
// for 32 s at least and never after 64 s.
inline constexpr Duration kCookieSlot = Duration::seconds(32);
inline constexpr Duration kCookieLife = kCookieSlot * 2;

// The keys of the two slots that matter now, derived from one secret: shards that share it (and one day
// machines that do) know each other's cookies without a word.
class CookieKeys {
 public:
  explicit CookieKeys(SipKey master) noexcept : master_(master) { entries_[0].slot = entries_[1].slot = ~std::uint64_t{0}; }

  [[nodiscard]] SipKey at(std::uint64_t slot) noexcept {
    Entry& entry = entries_[slot & 1U];
    if (entry.slot != slot) [[unlikely]] entry = {slot, derive(slot)};
    return entry.key;
  }

 private:
  struct Entry {
    std::uint64_t slot;
    SipKey key;
  };
  [[nodiscard]] SipKey derive(std::uint64_t slot) const noexcept;

  SipKey master_;
  std::array<Entry, 2> entries_{};
};

// What both directions need beside the record.
struct CookieContext {
  CookieKeys& keys;
  const IpAddress& local;     // the flow's own address
  const Params& params;       // the listener's
  std::uint16_t mss;          // what the MTU allows
  std::uint32_t ts_offset;    // of the flow; looked at only where timestamps are in use
  Instant now;
};

// `record` is filled in from the SYN, its ISS is open: gives it an ISS that says what the record does, and
// returns the timestamp offset the SYN|ACK must be sent with.
std::uint32_t make_cookie(HalfOpen& record, const CookieContext& context) noexcept;

// The same backwards, from the ACK to a SYN|ACK nobody remembers: false when it acknowledges no cookie of
// ours, or one that is too old, or not for this flow and sequence number. Else the record is filled in
// (record.flow is set by the caller) and `ts_offset` is the connection's.
bool open_cookie(HalfOpen& record, const Segment& segment, const CookieContext& context,
                 std::uint32_t& ts_offset) noexcept;

}  // namespace sluice::tcp
