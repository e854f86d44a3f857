// SPDX-License-Identifier: BSD-3-Clause
// TCP Fast Open (RFC 7413): who may begin with his SYN, how many at once, and the
// cookies that we were given ourselves. ADR-0010.
#include <algorithm>

#include "stack/stack.h"

namespace sluice::stack {

using tcp::Verdict;

void Stack::put_grant(tcp::OutSegment& syn_ack, const tcp::FastOpenCookie& grant) noexcept {
  syn_ack.options |= tcp::kOptFastOpen;
  syn_ack.fast_open = grant.data();
  syn_ack.fast_open_len = static_cast<std::uint8_t>(grant.size());
}

// RFC 7413 4.2.2. A cookie that is not good is answered with one that is; a limit with an ordinary handshake.
Stack::FastOpening Stack::judge_fast_open(const Arrival& arrival, const tcp::Segment& syn, const Listener& listener,
                                          tcp::FastOpenCookie& grant) noexcept {
  const wire::TcpOptions& options = *syn.options;
  const std::span<const std::uint8_t> cookie(options.fast_open, options.fast_open_len);
  tcp::FastOpenCheck check = tcp::FastOpenCheck::kBad;
  if (!cookie.empty()) {
    check = tcp::check_fast_open(fast_open_keys_, arrival.flow.remote, arrival.packet.dst, cookie, env_.now);
  }
  const bool open = check != tcp::FastOpenCheck::kBad && syn.len != 0 &&
                    listener.fast_open < config_.fastopen_pending && !slabs_.tcbs.full();
  if (check == tcp::FastOpenCheck::kGood) return open ? FastOpening::kOpen : FastOpening::kOrdinary;
  if (!cookie.empty() && check == tcp::FastOpenCheck::kBad) ++stack_counters_.fastopen_refused;
  grant = tcp::fast_open_cookie(fast_open_keys_, arrival.flow.remote, arrival.packet.dst, env_.now);
  ++stack_counters_.fastopen_granted;
  return open ? FastOpening::kOpenAndGrant : FastOpening::kGrant;
}

// The record of an ordinary handshake lives as long as this function.
Verdict Stack::fast_open_input(Arrival& arrival, tcp::Segment& syn, std::uint16_t listener_index,
                               const tcp::FastOpenCookie* grant) noexcept {
  Listener& listener = listeners_[listener_index];
  const std::uint32_t index = take_tcb();
  if (index == kNoIndex) [[unlikely]] return Verdict::kConnectionsFull;
  const Handle handle = Handle::make(Kind::kTcb, index);
  tcp::Tcb& tcb = slabs_.tcbs[index];
  if (!enter_table(slabs_.tcbs, handle, arrival.flow, arrival.hash)) [[unlikely]] return Verdict::kSynCacheFull;
  tcp::HalfOpen record;
  const SeqNum iss = tcp::initial_sequence(secrets_[arrival.flow.local_addr], arrival.flow, env_.now);
  tcp::half_open(record, arrival.flow, syn, iss, params_[listener.params]);
  begin_passive(handle, record, listener, ts_offset(record));
  ++listener.fast_open;
  ++stack_counters_.fastopen_accepted;
  const Verdict verdict = tcp::open_passive_fast(tcb, syn, env_);
  if (outbox_.size() != 0 && grant != nullptr) put_grant(outbox_[0], *grant);
  settle(handle, tcb, listener_index);
  return verdict;
}

// The listener is found by its endpoint, so that a connection need not remember it. One that was closed, and
// opened anew, may count a few too few, for as long as those of its predecessor last.
void Stack::end_fast_open(tcp::Tcb& tcb) noexcept {
  const bool pending = tcb.state == State::kSynRcvd || (tcb.state != State::kClosed && (tcb.flags & tcp::kSynUnacked) != 0);
  if (pending) return;
  tcb.fast_open = 0;
  const std::uint16_t index = listeners_.find(tcb.flow.local_addr, tcb.flow.remote.is_v4(), tcb.flow.local_port);
  if (index != Listeners::kNone && listeners_[index].fast_open != 0) --listeners_[index].fast_open;
}

// --- our own connections ---

// `iss_above`: the last number of a connection whose TIME_WAIT record gave way.
bool Stack::open_active(tcp::Tcb& tcb, const SocketOptions& options, std::optional<SeqNum> iss_above) noexcept {
  SeqNum iss = tcp::initial_sequence(secrets_[tcb.flow.local_addr], tcb.flow, env_.now);
  if (iss_above) [[unlikely]] iss = tcp::initial_sequence_above(iss, *iss_above);
  if (options.first_bytes.empty()) {
    tcp::open_active(tcb, iss, ts_offset(tcb.flow), env_);
    return true;
  }
  const std::span<const std::uint8_t> text(reinterpret_cast<const std::uint8_t*>(options.first_bytes.data()),
                                           options.first_bytes.size());
  const FastOpenCache::Entry* known = fast_open_cache_.find(tcb.flow.local_addr, tcb.flow.remote);
  const std::span<const std::uint8_t> cookie = known != nullptr ? known->cookie() : std::span<const std::uint8_t>{};
  std::uint16_t mss = known != nullptr ? known->mss : std::uint16_t{0};
  if (const PathMtus::Known path = paths_.find(tcb.flow.remote, env_.now); path.mtu != 0) {
    mss = std::min(mss, mss_of_mtu(path.mtu, tcb.flow.remote.is_v4()));
  }
  if (known != nullptr) ++stack_counters_.fastopen_active;
  return tcp::open_active_with(tcb, iss, ts_offset(tcb.flow), text, config_.fastopen, cookie, mss, env_);
}

// The SYN|ACK of a connection that we opened; its buffer is still there.
void Stack::learn_fast_open(const tcp::Tcb& tcb, const tcp::Segment& syn_ack) noexcept {
  const wire::TcpOptions& options = *syn_ack.options;
  if (!options.has_fast_open) return;
  fast_open_cache_.learn(tcb.flow.local_addr, tcb.flow.remote, {options.fast_open, options.fast_open_len},
                         options.has_mss ? options.mss : std::uint16_t{536});
}

}  // namespace sluice::stack
