// SPDX-License-Identifier: BSD-3-Clause
// TCP Fast Open (RFC 7413): cookies, and what its two ends do with the text of a SYN.
#include "tcp/fast_open.h"

#include <cstring>

#include "tcp/input.h"
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

FastOpenCookie cookie_of_day(CookieKeys& keys, const IpAddress& client, const IpAddress& local,
                             std::uint64_t day) noexcept {
  std::array<std::uint64_t, 4> words{};
  std::memcpy(words.data(), client.bytes.data(), 16);
  std::memcpy(words.data() + 2, local.bytes.data(), 16);
  const std::uint64_t hash = siphash<2, 4>(keys.at(day), words);
  FastOpenCookie cookie;
  std::memcpy(cookie.data(), &hash, sizeof(hash));
  return cookie;
}

std::uint64_t day_of(Instant now) noexcept { return static_cast<std::uint64_t>(now.ns / kFastOpenDay.ns); }

// Without a look at the bytes before the last: how long it takes says nothing.
bool same(const FastOpenCookie& a, std::span<const std::uint8_t> b) noexcept {
  std::uint64_t x = 0;
  std::uint64_t y = 0;
  std::memcpy(&x, a.data(), sizeof(x));
  std::memcpy(&y, b.data(), sizeof(y));
  return x == y;
}

// A SYN's options beside a full payload.
constexpr std::uint32_t kSynOptionBytes = 40;

}  // namespace

FastOpenCookie fast_open_cookie(CookieKeys& keys, const IpAddress& client, const IpAddress& local,
                                Instant now) noexcept {
  return cookie_of_day(keys, client, local, day_of(now));
}

FastOpenCheck check_fast_open(CookieKeys& keys, const IpAddress& client, const IpAddress& local,
                              std::span<const std::uint8_t> cookie, Instant now) noexcept {
  if (cookie.size() != FastOpenCookie{}.size()) return FastOpenCheck::kBad;
  const std::uint64_t day = day_of(now);
  if (same(cookie_of_day(keys, client, local, day), cookie)) return FastOpenCheck::kGood;
  if (day > 0 && same(cookie_of_day(keys, client, local, day - 1), cookie)) return FastOpenCheck::kOld;
  return FastOpenCheck::kBad;
}

// RFC 7413 4.2.2. open_passive() has made it a connection in SYN_RCVD that has heard the SYN.
Verdict open_passive_fast(Tcb& tcb, Segment& syn, Env& env) noexcept {
  tcb.fast_open = 1;
  env.events |= kEventConnected;
  congestion::start(tcb, 0);
  tcb.snd_nxt = tcb.snd_una;  // the SYN|ACK is still to be sent, and acknowledges the text
  syn.seq += 1;
  syn.flags &= static_cast<std::uint8_t>(~kSyn);
  accept_text_and_fin(tcb, syn, env, Verdict::kListenFastOpen);
  send_syn(tcb, env);
  restart_keepalive(tcb, env);
  return Verdict::kListenFastOpen;
}

// The connection has begun already: what is acknowledged beyond our SYN is text, as in any state that sends.
void establish_fast(Tcb& tcb, const Segment& segment, Env& env) noexcept {
  tcb.flags |= kSynUnacked;  // until on_ack() has counted it
  enter(tcb, State::kEstablished, env);
  if (tcb.backoff != 0) {
    rtt_syn_lost(tcb);
    congestion::start(tcb, tcb.backoff);
  }
  on_ack(tcb, segment, env);
}

bool open_active_with(Tcb& tcb, SeqNum iss, std::uint32_t ts_offset, std::span<const std::uint8_t> text, bool fast,
                      std::span<const std::uint8_t> cookie, std::uint16_t mss, Env& env) noexcept {
  const std::size_t before = env.out.size();
  open_active(tcb, iss, ts_offset, env);
  // Whatever else buffers are wanted for: the application will go on behind all of it.
  text = text.first(std::min<std::size_t>(text.size(), env.of(tcb).sndbuf));
  if (queue_copy(tcb, text, env) != text.size()) [[unlikely]] return false;
  if (!fast || env.out.size() == before) return true;  // or the SYN waits for its timer, and goes alone
  OutSegment& syn = env.out[before];
  syn.options |= kOptFastOpen;
  syn.fast_open = cookie.data();
  syn.fast_open_len = static_cast<std::uint8_t>(cookie.size());
  if (cookie.empty() || tcb.snd_head == nullptr) return true;
  const std::uint32_t most = std::min(mss, env.local_mss[tcb.flow.local_addr]);
  const std::uint32_t room = most > kSynOptionBytes ? most - kSynOptionBytes : 0;
  syn.chunk = tcb.snd_head;
  syn.len = std::min({tcb.snd_queued, tcb.snd_head->len, room});
  tcb.snd_wl2 = tcb.snd_nxt + syn.len;
  return true;
}

}  // namespace sluice::tcp
