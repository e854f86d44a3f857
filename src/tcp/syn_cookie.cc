// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/syn_cookie.h"

#include <algorithm>
#include <cstring>

#include "tcp/options.h"

namespace sluice::tcp {

namespace {

// The ISS is a hash with the low 8 bits of it added to what the SYN said:
//   31        8 7     5 4      1 0
//   | hash     | MSS   | shift  |S|
// Outsiders see 32 random bits; we recognise the upper 24 and read the lower 8.
constexpr unsigned kCodeBits = 8;
constexpr std::uint32_t kCodeMask = (1U << kCodeBits) - 1;
constexpr std::uint32_t kNoShift = 15;  // window scale was not offered

// MSS values of IPv4 paths that are common enough to have a number; over IPv6 20 less, its smallest MTU's 1220
// among them. The eighth is whatever our own path allows. Between two of them the lower one is taken.
constexpr std::array<std::uint16_t, 7> kMss = {kMinMss, 536, 1240, 1360, 1380, 1400, 1452};
constexpr std::uint32_t kOwnMss = kMss.size();

// With timestamps the SYN|ACK's TSval says the MSS exactly. What the peer echoes is at most kCookieLife old, so
// the clock's low 16 bits tell its age and the upper 16 are free for a number.
constexpr unsigned kAgeBits = 16;
constexpr std::uint32_t kAgeMask = (1U << kAgeBits) - 1;
static_assert(kCookieLife.ms() <= kAgeMask);

std::uint16_t mss_at(std::uint32_t index, const IpAddress& remote, std::uint16_t own) noexcept {
  if (index >= kOwnMss) return own;
  const std::uint16_t less = remote.is_v4() || index == 0 ? 0 : 20;
  return std::min(static_cast<std::uint16_t>(kMss[index] - less), own);
}

std::uint32_t mss_index(std::uint16_t mss, const IpAddress& remote, std::uint16_t own) noexcept {
  std::uint32_t index = kOwnMss;
  while (index > 0 && mss_at(index, remote, own) > mss) --index;
  return index;
}

std::uint64_t slot_of(Instant now) noexcept { return static_cast<std::uint64_t>(now.ns / kCookieSlot.ns); }

// What the cookie is good for: this flow, this ISN of the peer, this window scale of ours, this TSval.
std::uint32_t hash(SipKey key, const HalfOpen& record, const IpAddress& local, std::uint32_t said) noexcept {
  std::array<std::uint64_t, 6> words{};
  std::memcpy(words.data(), local.bytes.data(), 16);
  std::memcpy(words.data() + 2, record.flow.remote.bytes.data(), 16);
  words[4] = std::uint64_t{record.flow.local_port} << 48U | std::uint64_t{record.flow.remote_port} << 32U |
             record.irs.value();
  words[5] = said;
  return static_cast<std::uint32_t>(siphash<2, 4>(key, words));
}

// Our window scale follows from the listener's buffer, which may change under a cookie.
std::uint32_t said_of(const HalfOpen& record, const Params& params, std::uint32_t number) noexcept {
  const std::uint32_t ts = (record.flags & kTsOk) != 0 ? 1U : 0U;
  return number << 16U | ts << 8U | window_shift(params.rcvbuf);
}

// The largest MSS that we would ever use.
std::uint16_t own_mss(const CookieContext& c) noexcept {
  return c.params.mss != 0 ? std::min(c.mss, c.params.mss) : c.mss;
}

}  // namespace

SipKey CookieKeys::derive(std::uint64_t slot) const noexcept {
  const std::array<std::uint64_t, 2> one = {slot, 0};
  const std::array<std::uint64_t, 2> two = {slot, 1};
  return {siphash<2, 4>(master_, one), siphash<2, 4>(master_, two)};
}

std::uint32_t make_cookie(HalfOpen& record, const CookieContext& context) noexcept {
  const std::uint16_t offered = record.peer_mss == 0 ? default_mss(record.flow.remote) : record.peer_mss;
  const bool timestamps = (record.flags & kTsOk) != 0;
  const std::uint16_t own = own_mss(context);
  const std::uint32_t number = timestamps ? std::uint32_t{std::min(offered, own)} : 0;
  const std::uint32_t shift = (record.flags & kWscaleOk) != 0 ? record.snd_wscale : kNoShift;
  const std::uint32_t code = mss_index(offered, record.flow.remote, own) << 5U | shift << 1U |
                             ((record.flags & kSackOk) != 0 ? 1U : 0U);
  const SipKey key = context.keys.at(slot_of(context.now));
  record.iss = SeqNum(hash(key, record, context.local, said_of(record, context.params, number)) ^ code);
  return context.ts_offset + (number << kAgeBits);
}

bool open_cookie(HalfOpen& record, const Segment& segment, const CookieContext& context,
                 std::uint32_t& ts_offset) noexcept {
  const wire::TcpOptions& options = *segment.options;
  record.flags = options.has_ts ? kTsOk & 0xfU : 0U;
  record.irs = segment.seq - 1;
  record.iss = segment.ack - 1;
  std::uint32_t number = 0;
  std::uint32_t age_ms = 0;
  if (options.has_ts) {
    // TSecr is our clock when the SYN|ACK left, the flow's offset, and the number.
    const std::uint32_t ahead = options.tsecr - context.ts_offset - static_cast<std::uint32_t>(context.now.ms());
    number = (ahead + kAgeMask) >> kAgeBits;
    age_ms = (number << kAgeBits) - ahead;
    if (age_ms > kCookieLife.ms()) return false;
  }
  const std::uint32_t said = said_of(record, context.params, number);
  const std::uint64_t slot = slot_of(context.now);
  std::uint32_t code = record.iss.value() ^ hash(context.keys.at(slot), record, context.local, said);
  if (code > kCodeMask && slot > 0) {
    code = record.iss.value() ^ hash(context.keys.at(slot - 1), record, context.local, said);
  }
  if (code > kCodeMask) return false;

  const std::uint32_t shift = code >> 1U & 0xfU;
  if ((code & 1U) != 0) record.flags |= kSackOk;
  if (shift != kNoShift) record.flags |= kWscaleOk;
  record.snd_wscale = (shift != kNoShift ? shift : 0U) & 0xfU;
  record.rcv_wscale = (shift != kNoShift ? window_shift(context.params.rcvbuf) : 0U) & 0xfU;
  record.peer_mss =
      options.has_ts ? static_cast<std::uint16_t>(number) : mss_at(code >> 5U, record.flow.remote, own_mss(context));
  record.ts_recent = options.has_ts ? options.tsval : 0;
  // The SYN's own window is forgotten; the ACK's is as good.
  record.peer_wnd = static_cast<std::uint16_t>(std::min<std::uint32_t>(std::uint32_t{segment.wnd} << record.snd_wscale, 0xffff));
  record.retries = 0;
  record.untimed = 0;
  record.challenge_ms = 0;
  // The timer that such a SYN|ACK would have had tells open_passive() the round trip; half a millisecond is what
  // the clock leaves open. Without timestamps nobody knows.
  constexpr std::uint32_t kTicksPerMs = 8;
  const Tick sent{Tick::floor(context.now).value - age_ms * kTicksPerMs - kTicksPerMs / 2};
  const bool timed = options.has_ts && age_ms * kTicksPerMs + kTicksPerMs / 2 < kSynAckFirstTicks;
  record.deadline = timed ? Tick{std::max(sent.value + kSynAckFirstTicks, 1U)} : Tick{};
  ts_offset = context.ts_offset + (number << kAgeBits);
  return true;
}

}  // namespace sluice::tcp
