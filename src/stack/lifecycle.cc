// SPDX-License-Identifier: BSD-3-Clause
// A record's way through its kinds: half-open, connection, TIME_WAIT, gone; the
// application's callbacks on that way; and the timers.
#include <algorithm>

#include "stack/holders.h"
#include "stack/stack.h"

namespace sluice::stack {

using tcp::Tcb;

// Callbacks never nest: calls that the application makes on other connections take
// effect at once, those on this one when it returns.
void Stack::deliver(Handle handle, Tcb& tcb, std::uint16_t listener) noexcept {
  const std::uint8_t events = env_.events;
  env_.events = 0;
  if ((tcb.flags & tcp::kAppClosed) != 0) return;
  Service& service = *services_[params_[tcb.params].service].service;
  const Connection connection(this, handle.index(), tcb.generation);
  const auto still_held = [&] { return (tcb.flags & tcp::kAppClosed) == 0; };
  current_ = &tcb;
  if ((events & tcp::kEventConnected) != 0) {
    tcb.flags |= tcp::kAccepted;
    if (listener != Listeners::kNone) {
      service.on_accept(connection, ListenerId{listener + 1U});
    } else {
      service.on_connected(connection);
    }
  }
  if ((events & tcp::kEventReadable) != 0 && still_held()) service.on_readable(connection);
  if ((events & tcp::kEventWritable) != 0 && still_held()) service.on_writable(connection);
  if ((events & tcp::kEventIdle) != 0 && still_held()) [[unlikely]] service.on_idle(connection);
  if ((events & tcp::kEventClosed) != 0 && still_held()) {
    tcb.flags |= tcp::kAccepted;
    service.on_closed(connection, tcb.error);
    tcb.flags |= tcp::kAppClosed;
  }
  current_ = nullptr;
  env_.events = 0;
}

void Stack::settle(Handle handle, Tcb& tcb, std::uint16_t listener, const std::uint64_t* known) noexcept {
  if (outbox_.size() != 0) flush_outbox(tcb);
  if (env_.events != 0) {
    if ((env_.events & tcp::kEventR1) != 0) [[unlikely]] {
      suspect_next_hop(tcb.flow);
      suspect_black_hole(tcb);
    }
    if ((env_.events & tcp::kEventConnected) != 0 && !paths_.quiet(env_.now)) [[unlikely]] use_known_path(tcb);
    deliver(handle, tcb, listener);
  }
  finish(handle, tcb, known);
}

void Stack::suspect_next_hop(const tcp::FlowId& flow) noexcept {
  const IpAddress* hop = addresses_.next_hop(flow.local_addr, flow.remote);
  if (hop != nullptr) neighbours_.suspect(addresses_[flow.local_addr].interface, *hop);
}

void Stack::finish(Handle handle, Tcb& tcb, const std::uint64_t* known) noexcept {
  do {
    if ((tcb.flags & tcp::kMtuProbe) != 0 && tcb.state != State::kClosed) [[unlikely]] {
      output_beside_probe(tcb);
    } else {
      tcp::output(tcb, env_);
    }
    flush_outbox(tcb);  // abort() by the application left its RST in the outbox of a connection already CLOSED
  } while ((tcb.flags & tcp::kMoreOutput) != 0 && tcb.state != State::kClosed);
  if (tcb.fast_open != 0) [[unlikely]] end_fast_open(tcb);
  const auto where = [&] { return known != nullptr ? *known : hash(tcb.flow); };
  if (tcb.state == State::kClosed) return remove_tcb(handle, tcb, where());
  if (tcb.state == State::kTimeWait && tcp::may_compact(tcb)) return compact(handle, tcb, where());
  const Tick deadline = tcp::next_deadline(tcb);
  if (deadline.armed() && (!tcb.armed.armed() || deadline.before(tcb.armed))) {
    wheel_.arm(handle, tcb.timer, tcb.armed, deadline);
  }
}

void Stack::compact(Handle handle, Tcb& tcb, std::uint64_t hash) noexcept {
  const std::uint32_t index = slabs_.time_waits.take();
  if (index == kNoIndex) [[unlikely]] {
    ++stack_counters_.time_wait_overflow;
    return remove_tcb(handle, tcb, hash);
  }
  const Handle fresh = Handle::make(Kind::kTimeWait, index);
  tcp::TimeWait& record = slabs_.time_waits[index];
  tcp::time_wait(record, tcb);
  const tcp::Params& params = params_[tcb.params];
  record.service = static_cast<std::uint8_t>(params.service);
  record.ip = params.ip;
  unref_params(tcb.params);
  table_.replace(hash, handle, fresh);
  wheel_.cancel(tcb.timer, tcb.armed);
  DCHECK(tcb.t_long.armed());
  const Tick deadline = tcb.t_long;
  --counters_.states[static_cast<std::size_t>(State::kTimeWait)];
  if (mtu_search_.used() != 0) [[unlikely]] mtu_search_.forget(tcb.flow, tcb.generation);
  // Its queues are empty and it has no side block, or it could not be a record.
  if (tcb.congestion != tcp::kNoCongestionState || tcb.sends != kNoIndex) [[unlikely]] tcp::release(tcb, env_);
  tcb.generation = 0;
  slabs_.tcbs.give(handle.index());
  wheel_.arm(fresh, record.timer, record.deadline, deadline);
}

void Stack::remove_tcb(Handle handle, Tcb& tcb, std::uint64_t hash) noexcept {
  table_.erase(hash, handle);
  wheel_.cancel(tcb.timer, tcb.armed);
  // With no TIME_WAIT record to be had the state is left from here; else it is CLOSED, which nobody counts.
  if (tcb.state != State::kClosed) --counters_.states[static_cast<std::size_t>(tcb.state)];
  if (mtu_search_.used() != 0) [[unlikely]] mtu_search_.forget(tcb.flow, tcb.generation);
  tcp::release(tcb, env_);
  unref_params(tcb.params);
  tcb.generation = 0;
  slabs_.tcbs.give(handle.index());
}

void Stack::remove_half_open(Handle handle) noexcept {
  const tcp::HalfOpen& record = slabs_.half_opens[handle.index()];
  table_.erase(hash(record.flow), handle);
  wheel_.cancel(handle);
  --listeners_[record.listener].half_open;
  slabs_.half_opens.give(handle.index());
}

void Stack::remove_time_wait(Handle handle, std::uint64_t hash) noexcept {
  table_.erase(hash, handle);
  wheel_.cancel(handle);
  slabs_.time_waits.give(handle.index());
}

void Stack::remove_expired() noexcept {
  for (std::size_t i = 0; i < n_expired_; ++i) table_.prefetch_erase(expired_[i].hash);
  for (std::size_t i = 0; i < n_expired_; ++i) remove_time_wait(expired_[i].handle, expired_[i].hash);
  n_expired_ = 0;
}

bool Stack::advance(Instant now, std::uint32_t budget) noexcept {
  set_now(now);
  advanced_to_ = now;
  if (now >= announce_at_) [[unlikely]] on_announce_timer(now);  // first: neighbours are asked from addresses that are tried no longer
  if (now >= neighbours_.next_check()) [[unlikely]] {
    neighbours_.on_timer(now, [this](const Neighbours::Entry& entry) { solicit(entry); },
                         [this](const Neighbours::Entry& entry) { router_failed(entry); });
  }
  if (now >= routers_at_) [[unlikely]] on_router_timer(now);
  if (now >= mld_reports_.next_check()) [[unlikely]] {
    mld_reports_.on_timer(now, [this](std::size_t interface, const MldReports::Report& report) { send_mld_reports(interface, report); });
  }
  if (now >= mtu_search_.next_check()) [[unlikely]] {
    mtu_search_.on_timer(now, [this](MtuSearch::Record& record) { return search_mtu(record); });
  }
  if (now >= reassembly_.next_check()) [[unlikely]] give_up_fragments(now);
  const bool more = wheel_.advance(env_.tick, budget, [this](Handle handle) { on_timer(handle); });
  if (n_expired_ != 0) remove_expired();
  if (bufs_.exhausted() + bufs_.refused() != pressure_seen_) [[unlikely]] relieve_pressure();
  if (room_wanted_ != 0) [[unlikely]] look_for_room();
  return more;
}

void Stack::on_timer(Handle handle) noexcept {
  switch (handle.kind()) {
    case Kind::kTcb: {
      Tcb& tcb = slabs_.tcbs[handle.index()];
      const Tick due = tcp::next_deadline(tcb);
      if (!due.armed() || env_.tick.before(due)) {
        const Tick again = tcp::rest(tcb, env_);
        if (again.armed() && (!due.armed() || again.before(due))) return wheel_.arm(handle, again);
        if (due.armed()) wheel_.arm(handle, due);
        return;
      }
      env_.events = 0;
      // RFC 7413 4.1.3.1: a SYN with text that is not answered may have met somebody who dislikes such SYNs.
      if (tcb.state == State::kSynSent && tcb.snd_wl2 != tcb.snd_nxt) fast_open_cache_.forget(tcb.flow.local_addr, tcb.flow.remote);
      tcp::on_timer(tcb, env_);
      settle(handle, tcb);
      // With nothing due any more, or not for long, nobody would ask a connection at rest again for what it could do without: a delayed
      // ACK may have been the last that its timer was armed for. Pinned by AnIdleConnectionTakesAtMost256Bytes.
      if (tcb.generation != 0 && tcb.congestion != tcp::kNoCongestionState) {
        const Tick again = tcp::rest(tcb, env_);
        if (again.armed() && (!tcb.armed.armed() || again.before(tcb.armed))) wheel_.arm(handle, again);
      }
      return;
    }
    case Kind::kHalfOpen: {
      tcp::HalfOpen& record = slabs_.half_opens[handle.index()];
      if (draining_ || !listeners_[record.listener].open) {
        ++stack_counters_.half_open_dropped;
        ++counters_.mib.AttemptFails;
        return remove_half_open(handle);
      }
      if (!tcp::half_open_timeout(record, env_.tick)) {
        ++stack_counters_.half_open_timeouts;
        ++counters_.mib.AttemptFails;
        return remove_half_open(handle);
      }
      wheel_.arm(handle, record.deadline);
      repeat_syn_ack(record);
      return;
    }
    case Kind::kTimeWait: {
      // Millions end at once: their table lines are asked for first and cleared together.
      Expired& expired = expired_[n_expired_++];
      expired = {handle, hash(slabs_.time_waits[handle.index()].flow)};
      table_.prefetch_bucket(expired.hash);
      if (n_expired_ == expired_.size()) remove_expired();
      return;
    }
    case Kind::kNone: return;
  }
}

Instant Stack::next_deadline(Instant now) const noexcept {
  Instant next = std::min({neighbours_.next_check(), reassembly_.next_check(), mtu_search_.next_check(), announce_at_, routers_at_,
                           mld_reports_.next_check()});
  const Tick tick = Tick::floor(now);
  if (const auto due = wheel_.next_deadline(tick)) {
    const std::int64_t start = now.ns - now.ns % kTickNs;
    const Instant at{start + std::int64_t{due->until(tick)} * kTickNs};
    if (at < next) next = at;
  }
  return next < now ? now : next;
}

void Stack::start_drain() noexcept {
  draining_ = true;
  for (const ServiceSlot& slot : services_) slot.service->on_drain();
}

bool Stack::drain_some(std::uint32_t most) noexcept {
  for (; drain_next_ < slabs_.tcbs.high_water() && most != 0; ++drain_next_, --most) {
    Tcb& tcb = slabs_.tcbs[drain_next_];
    if (tcb.generation == 0 || (tcb.flags & (tcp::kAccepted | tcp::kAppClosed)) != tcp::kAccepted) continue;
    const Handle handle = Handle::make(Kind::kTcb, drain_next_);
    current_ = &tcb;
    env_.events = 0;
    services_[params_[tcb.params].service].service->on_drain_connection(Connection(this, drain_next_, tcb.generation));
    current_ = nullptr;
    settle(handle, tcb);
  }
  return drain_next_ < slabs_.tcbs.high_water();
}

bool Stack::reset_some(std::uint32_t most) noexcept {
  ending_ = true;
  return abort_some(most, true);
}

bool Stack::abort_some(std::uint32_t most, bool tell) noexcept {
  std::uint32_t done = 0;
  for (std::uint32_t n = slabs_.tcbs.high_water(); n != 0 && done < most; --n) {
    if (abort_next_ >= slabs_.tcbs.high_water()) abort_next_ = 0;
    const std::uint32_t i = abort_next_++;
    if (slabs_.tcbs[i].generation == 0 || slabs_.tcbs[i].state == State::kClosed) continue;
    abort_one(i, Errc::kConnectionAborted, tell, true);
    ++done;
  }
  return slabs_.tcbs.used() != 0;
}

void Stack::abort_one(std::uint32_t index, Errc error, bool tell, bool resets) noexcept {
  Tcb& tcb = slabs_.tcbs[index];
  const bool hears = tell && !is_orphan(tcb);
  tcp::abort(tcb, error, env_);
  if (!resets) {  // counted, but never sent
    counters_.mib.OutSegs -= outbox_.size();
    counters_.mib.OutRsts -= outbox_.size();
    outbox_.clear();
  }
  env_.events = 0;
  if (hears) {
    tcb.flags &= ~tcp::kAppClosed;
    env_.events = tcp::kEventClosed;
  }
  settle(Handle::make(Kind::kTcb, index), tcb);
}

void Stack::abort_all() noexcept {
  reassembly_.clear();
  mtu_search_.clear();
  while (abort_some(1024, false)) {
  }
  std::vector<Handle> rest;
  ConnTableCore::Cursor cursor;
  while (table_.for_each(cursor, 1024, [&](Handle handle) { rest.push_back(handle); })) {
  }
  for (const Handle handle : rest) {
    if (handle.kind() == Kind::kHalfOpen) remove_half_open(handle);
    if (handle.kind() == Kind::kTimeWait) remove_time_wait(handle);
  }
}

}  // namespace sluice::stack
