// SPDX-License-Identifier: BSD-3-Clause
// Handshakes of which nothing is kept: when a SYN is answered with a cookie, and what
// the ACK that brings it back becomes (ADR-0009).
#include "stack/stack.h"

namespace sluice::stack {

using tcp::Verdict;

bool Stack::wants_cookie(const Listener& listener) const noexcept {
  switch (config_.syn_cookies) {
    case SynCookies::kNever: return false;
    case SynCookies::kAlways: return true;
    case SynCookies::kAuto: break;
  }
  return listener.half_open >= listener.backlog || slabs_.half_opens.full();
}

tcp::CookieContext Stack::cookie_context(const Arrival& arrival, const Listener& listener, bool timestamps) noexcept {
  return {.keys = cookie_keys_,
          .local = arrival.packet.dst,
          .params = params_of(listener),
          .mss = addresses_.mss()[arrival.flow.local_addr],
          .ts_offset = timestamps ? ts_offset(arrival.flow) : 0,
          .now = env_.now};
}

// The record lives as long as this function. A SYN sent again is answered again: with the same numbers, as long
// as the slot of time is the same; the peer takes whichever it hears first.
Verdict Stack::send_cookie(const Arrival& arrival, const tcp::Segment& syn, Listener& listener,
                           const tcp::FastOpenCookie* grant) noexcept {
  const tcp::Params& params = params_of(listener);
  tcp::HalfOpen record;
  tcp::half_open(record, arrival.flow, syn, SeqNum(), params);
  record.flags &= static_cast<std::uint8_t>(~tcp::kEcnOk) & 0xfU;  // the cookie would not remember it
  const std::uint32_t offset = tcp::make_cookie(record, cookie_context(arrival, listener, syn.options->has_ts));
  listener.cookies_until = env_.now + tcp::kCookieLife;
  ++stack_counters_.cookies_sent;
  tcp::OutSegment segment = tcp::syn_ack(record, params, addresses_.mss()[arrival.flow.local_addr], offset, env_.now);
  if (grant != nullptr) put_grant(segment, *grant);
  ++counters_.mib.OutSegs;
  send(segment, arrival.flow, params.ip);
  return Verdict::kListenCookieSent;
}

// An ACK to a listener that sent cookies a while ago.
Verdict Stack::cookie_input(Arrival& arrival, tcp::Segment& segment, std::uint16_t listener_index) noexcept {
  const Listener& listener = listeners_[listener_index];
  if (segment.has(tcp::kSyn) || draining_) return refuse(arrival, segment, Verdict::kListenReset, params_of(listener).ip);
  tcp::HalfOpen record;
  record.flow = arrival.flow;
  record.listener = listener_index;
  std::uint32_t offset = 0;
  if (!tcp::open_cookie(record, segment, cookie_context(arrival, listener, segment.options->has_ts), offset)) {
    ++stack_counters_.cookies_refused;
    return refuse(arrival, segment, Verdict::kListenCookieRefused, params_of(listener).ip);
  }
  // Silence: the peer sends again what it had to say, and the cookie is good for a while yet.
  if (listener.held) [[unlikely]] return Verdict::kListenHeld;
  const std::uint32_t index = take_tcb();
  if (index == kNoIndex) [[unlikely]] return Verdict::kConnectionsFull;
  const Handle handle = Handle::make(Kind::kTcb, index);
  if (!enter_table(slabs_.tcbs, handle, arrival.flow, arrival.hash)) [[unlikely]] return Verdict::kConnectionsFull;
  ++stack_counters_.cookies_accepted;
  open_passive(handle, segment, record, offset);
  return Verdict::kListenCookieAccepted;
}

}  // namespace sluice::stack
