// SPDX-License-Identifier: BSD-3-Clause
// Frames in: a burst is parsed, its table lines and records are asked for, and only
// then each segment runs to completion.
#include <algorithm>
#include <cstring>

#include "stack/stack.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"

namespace sluice::stack {

using tcp::Verdict;

namespace {
constexpr std::size_t kHashed = 4;  // arrivals at a time
}  // namespace

void Stack::receive(std::size_t interface, std::span<Buf* const> frames, Instant now, bool copies) noexcept {
  set_now(now);
  copies_ = copies;
  if (!copies) [[likely]] received_ += frames.size();
  while (!frames.empty()) {
    const std::size_t n = std::min(frames.size(), kBurst);
    LastLocal last;
    for (std::size_t i = 0; i < n; i += kHashed) {
      const std::span together = std::span(arrivals_).subspan(i, std::min(n - i, kHashed));
      for (std::size_t k = 0; k < together.size(); ++k) together[k].buf = frames[i + k];
      parse(together, interface, last);
      hash_arrivals(together);
    }
    Syns syns;
    for (std::size_t i = 0; i < n; ++i) {
      Arrival& arrival = arrivals_[i];
      if (!arrival.is_tcp) continue;
      table_.prefetch_record(arrival.hash);
      if ((arrival.packet.flags & (wire::kSyn | wire::kAck | wire::kRst)) == wire::kSyn) note_syn(arrival, syns);
    }
    if (syns.count > 1) hash_syns(syns);
    for (std::size_t i = 0; i < n; ++i) {
      Arrival& arrival = arrivals_[i];
      if (arrival.is_tcp) {
        arrival.verdict = tcp_input(arrival);
      } else if (arrival.parsed) {
        switch (arrival.packet.kind) {
          case wire::PacketKind::kArp: arrival.verdict = arp_input(arrival.packet, interface); break;
          case wire::PacketKind::kIcmp4: arrival.verdict = icmp4_input(arrival, interface); break;
          case wire::PacketKind::kIcmp6: arrival.verdict = icmp6_input(arrival, interface); break;
          case wire::PacketKind::kTcp4:
          case wire::PacketKind::kTcp6: break;
        }
      }
      if (!copies) [[likely]] count(arrival.verdict);
      if (arrival.buf != nullptr) bufs_.release(arrival.buf);
    }
    frames = frames.subspan(n);
  }
}

// The checks that need our addresses: RFC 1122 3.2.1.3, RFC 9293 MUST-57 and MUST-63.
void Stack::parse(std::span<Arrival> arrivals, std::size_t interface, LastLocal& last) noexcept {
  const wire::ParseContext context{config_.interfaces[interface].vlan, config_.interfaces[interface].mac};
  for (Arrival& arrival : arrivals) {
    const wire::Packet& packet = arrival.packet;
    arrival.is_tcp = false;
    arrival.parsed = false;
    bool to_group = false;
    if (!wire::parse_plain(*arrival.buf, context, arrival.packet)) [[unlikely]] {
      if (!parse_other(arrival, interface, context)) continue;
      to_group = packet.l2_group;
    }
    ++counters_.mib.InSegs;
    if (last.address == nullptr || last.address->address != packet.dst) {
      last.index = addresses_.find(packet.dst);
      last.address = last.index != kNoAddress ? &addresses_[last.index] : nullptr;
    }
    if (last.address == nullptr || last.address->interface != interface || to_group) [[unlikely]] {
      arrival.verdict = refuse_destination(packet);
      continue;
    }
    arrival.flow.remote = packet.src;
    arrival.flow.remote_port = packet.src_port;
    arrival.flow.local_port = packet.dst_port;
    arrival.flow.local_addr = last.index;
    arrival.is_tcp = true;
  }
}

bool Stack::parse_other(Arrival& arrival, std::size_t interface, const wire::ParseContext& context) noexcept {
  const wire::Packet& packet = arrival.packet;
  const wire::ParseResult result = wire::parse_frame(*arrival.buf, context, arrival.packet);
  if (result != wire::ParseError::kOk) [[unlikely]] {
    refuse_frame(arrival, interface, result);
    return false;
  }
  if (!packet.l2_group && std::memcmp(arrival.buf->data, context.mac.data(), context.mac.size()) != 0) [[unlikely]] {
    arrival.verdict = Verdict::kLinkNotForUs;
    return false;
  }
  if (packet.kind == wire::PacketKind::kTcp4 || packet.kind == wire::PacketKind::kTcp6) return true;
  arrival.parsed = true;
  return false;
}

Verdict Stack::refuse_destination(const wire::Packet& packet) const noexcept {
  return packet.l2_group || packet.dst.is_multicast() || addresses_.is_broadcast(packet.dst) ? Verdict::kIpBroadcast : Verdict::kIpNotForUs;
}

void Stack::refuse_frame(Arrival& arrival, std::size_t interface, wire::ParseResult reason) noexcept {
  if (reason == wire::ParseError::kIpv4Fragment || reason == wire::ParseError::kIpv6Fragment) {
    return fragment_input(arrival, interface);
  }
  arrival.verdict = static_cast<Verdict>(static_cast<std::uint8_t>(reason) - 1);
  complain(arrival, interface, reason);
  if (reason == wire::ParseError::kTcpHeaderBad || reason == wire::ParseError::kTcpChecksumBad) {
    ++counters_.mib.InSegs;
    ++counters_.mib.InErrs;
  }
}

// Those of the burst that were parsed last: together where they are four of TCP in IPv4, as nearly always.
void Stack::hash_arrivals(std::span<Arrival> arrivals) noexcept {
  const auto is_plain = [](const Arrival& arrival) { return arrival.is_tcp && arrival.packet.kind == wire::PacketKind::kTcp4; };
  if (arrivals.size() == kHashed && std::all_of(arrivals.begin(), arrivals.end(), is_plain)) [[likely]] {
    const SipLanes hashes = flow_hash_v4(slabs_.table_key, {&arrivals[0].flow, &arrivals[1].flow, &arrivals[2].flow, &arrivals[3].flow});
    for (std::size_t i = 0; i < kHashed; ++i) arrivals[i].hash = hashes[i];
  } else {
    for (Arrival& arrival : arrivals) {
      if (arrival.is_tcp) arrival.hash = hash(arrival.flow);
    }
  }
  for (const Arrival& arrival : arrivals) {
    if (arrival.is_tcp) table_.prefetch_bucket(arrival.hash);
  }
}

// A SYN in IPv4, which will probably be answered by a SYN|ACK of its own. Where cookies answer, or are about to, hashing for
// it would only be more work for who sends floods.
void Stack::note_syn(Arrival& arrival, Syns& syns) noexcept {
  arrival.has_isn = false;
  const bool cookies = config_.syn_cookies == SynCookies::kAlways || slabs_.half_opens.used() > slabs_.half_opens.capacity() / 2;
  if (arrival.packet.kind != wire::PacketKind::kTcp4 || cookies) [[unlikely]] return;
  if (syns.count != 0 && arrival.flow.local_addr != syns.arrivals[0]->flow.local_addr) return;
  syns.arrivals[syns.count++] = &arrival;
  if (syns.count == syns.arrivals.size()) hash_syns(syns);
}

// Four at once, or fewer: a place without one does the first again.
void Stack::hash_syns(Syns& syns) noexcept {
  std::array<const tcp::FlowId*, 4> flows{};
  for (std::size_t i = 0; i < flows.size(); ++i) flows[i] = &syns.arrivals[i < syns.count ? i : 0]->flow;
  const auto hashes = tcp::isn_hashes_v4(secrets_[flows[0]->local_addr], flows);
  for (std::size_t i = 0; i < syns.count; ++i) {
    syns.arrivals[i]->isn = hashes[i];
    syns.arrivals[i]->has_isn = true;
  }
  syns.count = 0;
}

// What no connection can have: looked at only where none was found.
namespace {
bool source_impossible(const Addresses& addresses, const wire::Packet& packet, Verdict& verdict) noexcept {
  if (addresses.find(packet.src) != kNoAddress) {
    verdict = Verdict::kIpSourceOurs;
    return true;
  }
  if (addresses.is_broadcast(packet.src)) {
    verdict = Verdict::kIpBroadcast;
    return true;
  }
  if (packet.src_port == 0) {
    verdict = Verdict::kTcpPortZero;
    return true;
  }
  return false;
}
}  // namespace

Handle Stack::find(const tcp::FlowId& flow) const noexcept {
  return table_.find(hash(flow), [&](Handle handle) { return slabs_.flow(handle) == flow; });
}

Verdict Stack::tcp_input(Arrival& arrival) noexcept {
  wire::Packet& packet = arrival.packet;
  tcp::Segment segment;
  segment.seq = packet.seq;
  segment.ack = packet.ack;
  segment.len = packet.payload_len;
  segment.wnd = packet.window;
  segment.flags = packet.flags;
  segment.ce = (packet.tos & wire::kEcnMask) == wire::kEcnCe;
  segment.options = &packet.options;
  segment.payload = arrival.buf;
  // The packet stays valid: data moves past the headers that were read already.
  arrival.buf->data = packet.payload;
  arrival.buf->len = packet.payload_len;

  if (config_.learn_next_hops) [[unlikely]] {  // before the frame's buffer becomes an answer's
    Verdict impossible{};
    if (!source_impossible(addresses_, packet, impossible)) learn_next_hop(arrival);
  }
  const ConnTableCore::Found found =
      table_.find_place(arrival.hash, [&](Handle candidate) { return slabs_.flow(candidate) == arrival.flow; });
  const Handle handle = found.handle;
  Verdict verdict{};
  switch (handle.kind()) {
    case Kind::kTcb: {
      tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
      env_.events = 0;
      Buf* const syn_ack = config_.fastopen && tcb.state == State::kSynSent ? arrival.buf : nullptr;
      if (syn_ack != nullptr) [[unlikely]] bufs_.retain(syn_ack);  // a cookie in it is read when TCP is done with it
      if (segment.has(tcp::kSyn)) [[unlikely]] env_.reuse = may_reuse(arrival);
      verdict = tcp::on_segment(tcb, segment, env_);
      const SeqNum last_sent = tcb.snd_nxt;
      if (syn_ack != nullptr) [[unlikely]] {
        if (verdict == Verdict::kSynSentEstablished) learn_fast_open(tcb, segment);
        bufs_.release(syn_ack);
      }
      settle(handle, tcb, Listeners::kNone, &arrival.hash);
      // The application still held a connection in TIME_WAIT that a new SYN may reuse: it is gone now.
      if (verdict == Verdict::kTimeWaitReused) [[unlikely]] stranger(arrival, segment, last_sent, true);
      break;
    }
    case Kind::kHalfOpen: verdict = half_open_input(arrival, segment, found); break;
    case Kind::kTimeWait: verdict = time_wait_input(arrival, segment, handle); break;
    case Kind::kNone: verdict = stranger(arrival, segment, SeqNum(), false); break;
  }
  arrival.buf = segment.payload;
  return verdict;
}

Verdict Stack::stranger(Arrival& arrival, tcp::Segment& segment, SeqNum iss_above, bool reuse) noexcept {
  Verdict impossible{};
  if (source_impossible(addresses_, arrival.packet, impossible)) [[unlikely]] return impossible;
  if (config_.learn_next_hops) [[unlikely]] learn_next_hop(arrival);
  const std::uint16_t listener =
      listeners_.find(arrival.flow.local_addr, arrival.packet.dst.is_v4(), arrival.flow.local_port);
  if (listener != Listeners::kNone) return listen_input(arrival, segment, listener, iss_above, reuse);
  if (segment.has(tcp::kRst)) return Verdict::kClosedRstIgnored;
  return refuse(arrival, segment, Verdict::kClosedReset, config_.ip);
}

Verdict Stack::refuse(const Arrival& arrival, const tcp::Segment& segment, Verdict verdict, tcp::IpFields ip) noexcept {
  tcp::OutSegment answer;
  tcp::on_segment_closed(segment, answer);
  return reset(arrival, answer, verdict, ip);
}

Verdict Stack::reset(const Arrival& arrival, const tcp::OutSegment& answer, Verdict verdict, tcp::IpFields ip) noexcept {
  if (!rst_limit_.take(env_.now, rng_)) return Verdict::kRstRateLimited;
  ++counters_.mib.OutSegs;
  ++counters_.mib.OutRsts;
  send(answer, arrival.flow, ip);
  return verdict;
}

// RFC 9293 3.10.7.2. `reuse`: a TIME_WAIT record gave way, and the ISS must lie above its last number.
Verdict Stack::listen_input(Arrival& arrival, tcp::Segment& segment, std::uint16_t listener_index, SeqNum iss_above,
                            bool reuse) noexcept {
  Listener& listener = listeners_[listener_index];
  const Verdict verdict = tcp::on_segment_listen(segment);
  if (verdict == Verdict::kListenReset) [[unlikely]] {
    if (env_.now < listener.cookies_until) return cookie_input(arrival, segment, listener_index);
    return refuse(arrival, segment, verdict, params_of(listener).ip);
  }
  if (verdict != Verdict::kListenSyn) return verdict;
  if (draining_) [[unlikely]] return refuse(arrival, segment, Verdict::kListenerDraining, params_of(listener).ip);
  if (listener.held) [[unlikely]] return Verdict::kListenHeld;
  tcp::FastOpenCookie granted;
  const tcp::FastOpenCookie* grant = nullptr;
  if (config_.fastopen && segment.options->has_fast_open && !reuse) [[unlikely]] {
    const FastOpening opening = judge_fast_open(arrival, segment, listener, granted);
    if (opening == FastOpening::kGrant || opening == FastOpening::kOpenAndGrant) grant = &granted;
    if (opening >= FastOpening::kOpen) return fast_open_input(arrival, segment, listener_index, grant);
  }
  // Who comes out of TIME_WAIT needs an ISS above the old numbers, which no cookie can promise.
  if (!reuse && wants_cookie(listener)) return send_cookie(arrival, segment, listener, grant);
  if (listener.half_open >= listener.backlog) return Verdict::kListenBacklogFull;
  const std::uint32_t index = slabs_.half_opens.take();
  if (index == kNoIndex) return Verdict::kSynCacheFull;
  const Handle handle = Handle::make(Kind::kHalfOpen, index);
  if (!enter_table(slabs_.half_opens, handle, arrival.flow, arrival.hash)) [[unlikely]] return Verdict::kSynCacheFull;
  const std::uint32_t isn = arrival.has_isn ? arrival.isn : tcp::isn_hash(secrets_[arrival.flow.local_addr], arrival.flow);
  SeqNum iss = tcp::initial_sequence(isn, env_.now);
  if (reuse) iss = tcp::initial_sequence_above(iss, iss_above);
  if (config_.recorded) [[unlikely]] {
    if (const auto numbers = config_.recorded(arrival.flow, arrival.packet.dst, env_.now)) iss = numbers->iss;
  }
  tcp::HalfOpen& record = slabs_.half_opens[index];
  tcp::half_open(record, arrival.flow, segment, iss, params_of(listener));
  record.listener = listener_index;
  ++listener.half_open;
  wheel_.arm(handle, record.timer, record.deadline, env_.after_ticks(tcp::kSynAckFirstTicks));
  send_syn_ack(record, grant);
  return verdict;
}

Verdict Stack::half_open_input(Arrival& arrival, tcp::Segment& segment, const ConnTableCore::Found& found) noexcept {
  tcp::HalfOpen& record = slabs_.half_opens[found.handle.index()];
  if (tcp::completes_handshake(record, segment, params_of(listeners_[record.listener]))) [[likely]] {
    return promote(arrival, segment, found, Verdict::kSynRcvdEstablished, true);
  }
  return other_half_open_input(arrival, segment, found);
}

Verdict Stack::other_half_open_input(Arrival& arrival, tcp::Segment& segment, const ConnTableCore::Found& found) noexcept {
  const Handle handle = found.handle;
  tcp::HalfOpen& record = slabs_.half_opens[handle.index()];
  const tcp::Params& params = params_of(listeners_[record.listener]);
  const std::uint16_t mss = addresses_.mss()[record.flow.local_addr];
  tcp::OutSegment answer;
  const auto [verdict, action] = tcp::on_segment_half_open(record, segment, params, mss, ts_offset(record),
                                                           env_.now, answer);
  switch (action) {
    case tcp::HalfOpenAction::kStay: return verdict;
    case tcp::HalfOpenAction::kAnswer:
      if ((answer.flags & tcp::kRst) != 0) return reset(arrival, answer, verdict, params.ip);
      ++counters_.mib.OutSegs;
      send(answer, arrival.flow, params.ip);
      return verdict;
    case tcp::HalfOpenAction::kSynAck:
      repeat_syn_ack(record);
      return verdict;
    case tcp::HalfOpenAction::kPromote: return promote(arrival, segment, found, verdict, false);
    case tcp::HalfOpenAction::kDrop:
      ++counters_.mib.AttemptFails;
      remove_half_open(handle);
      if (answer.flags != 0) return reset(arrival, answer, verdict, params.ip);
      return verdict;
  }
  return verdict;
}

// The acceptable ACK of our SYN|ACK: the record becomes a connection, and the segment its first.
Verdict Stack::promote(Arrival& arrival, tcp::Segment& segment, const ConnTableCore::Found& found, Verdict verdict, bool plain) noexcept {
  const Handle handle = found.handle;
  tcp::HalfOpen& record = slabs_.half_opens[handle.index()];
  const std::uint16_t listener_index = record.listener;
  Listener& listener = listeners_[listener_index];
  if (listener.held) [[unlikely]] return Verdict::kListenHeld;
  const std::uint32_t index = take_tcb();
  if (index == kNoIndex) [[unlikely]] return Verdict::kConnectionsFull;
  const Handle fresh = Handle::make(Kind::kTcb, index);
  table_.replace(found, fresh);
  begin_passive(fresh, record, listener, ts_offset(record));
  wheel_.cancel(record.timer, record.deadline);
  slabs_.half_opens.give(handle.index());
  --listener.half_open;
  if (!plain) [[unlikely]] {
    go_on(fresh, segment, listener_index);
    return verdict;
  }
  tcp::Tcb& tcb = slabs_.tcbs[index];
  tcp::complete_handshake(tcb, segment, env_);
  settle(fresh, tcb, listener_index, &arrival.hash);
  return verdict;
}

void Stack::begin_passive(Handle handle, const tcp::HalfOpen& record, const Listener& listener,
                          std::uint32_t ts_offset) noexcept {
  tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
  tcb.generation = take_generation();
  static_cast<std::uint32_t*>(opened_ms_.data())[handle.index()] = env_.now_ms();
  env_.events = 0;
  ++params_[listener.params].refs;
  tcp::open_passive(tcb, record, listener.params, ts_offset, env_);
}

void Stack::open_passive(Handle handle, tcp::Segment& segment, const tcp::HalfOpen& record,
                         std::uint32_t ts_offset) noexcept {
  begin_passive(handle, record, listeners_[record.listener], ts_offset);
  go_on(handle, segment, record.listener);
}

void Stack::go_on(Handle handle, tcp::Segment& segment, std::uint16_t listener) noexcept {
  tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
  tcp::on_segment(tcb, segment, env_);
  settle(handle, tcb, listener);
}

Verdict Stack::time_wait_input(Arrival& arrival, tcp::Segment& segment, Handle handle) noexcept {
  tcp::TimeWait& record = slabs_.time_waits[handle.index()];
  tcp::OutSegment answer;
  const auto [verdict, action] = tcp::on_segment_time_wait(record, segment, env_.now, answer);
  switch (action) {
    case tcp::TimeWaitAction::kStay: return verdict;
    case tcp::TimeWaitAction::kRestart:
      wheel_.arm(handle, Tick::ceil(env_.now + Duration::milliseconds(2 * std::int64_t{config_.msl_ms})));
      [[fallthrough]];
    case tcp::TimeWaitAction::kAnswer:
      // Deviation: RFC 9293 answers each. A record is no echo for a flood. Pinned by AnswersOfTimeWaitAreLimited.
      if (!time_wait_limit_.take(env_.now, rng_)) [[unlikely]] return Verdict::kChallengeLimited;
      ++counters_.mib.OutSegs;
      send(answer, arrival.flow, record.ip);
      return verdict;
    case tcp::TimeWaitAction::kReuse: {
      if (const Verdict allowed = may_reuse(arrival); allowed != Verdict::kTimeWaitReused) return allowed;
      const SeqNum iss_above = record.snd_nxt;
      remove_time_wait(handle);
      const Verdict opened = stranger(arrival, segment, iss_above, true);
      return opened == Verdict::kListenSyn ? Verdict::kTimeWaitReused : opened;
    }
  }
  return verdict;
}

// Only where somebody listens: what outlives its listener keeps its right to 2MSL. Nor does it give way to a SYN that
// would then be dropped for want of room.
Verdict Stack::may_reuse(const Arrival& arrival) const noexcept {
  const std::uint16_t listener = listeners_.find(arrival.flow.local_addr, arrival.packet.dst.is_v4(), arrival.flow.local_port);
  if (listener == Listeners::kNone) return Verdict::kTimeWaitIgnored;
  if (listeners_[listener].half_open >= listeners_[listener].backlog) return Verdict::kListenBacklogFull;
  if (slabs_.half_opens.full()) return Verdict::kSynCacheFull;
  return listeners_[listener].held ? Verdict::kListenHeld : Verdict::kTimeWaitReused;
}

void Stack::learn_next_hop(const Arrival& arrival) noexcept {
  const std::uint8_t interface = addresses_[arrival.flow.local_addr].interface;
  wire::MacAddress mac;
  std::memcpy(mac.data(), arrival.packet.l2_src, mac.size());
  send_waiting(interface, neighbours_.learn(interface, arrival.packet.src, mac, true, env_.now), mac);
}

}  // namespace sluice::stack
