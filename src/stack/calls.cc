// SPDX-License-Identifier: BSD-3-Clause
// What services ask of a shard: listen, close, reset; connect is in connect.cc. Control path.
#include "stack/stack.h"

namespace sluice::stack {

Result<ListenerId> Stack::listen(Service& service, Endpoint local, const SocketOptions& options, std::uint32_t backlog) {
  if (auto good = check_options(options); !good) return good.error();
  Listener listener;
  listener.address = local.address;
  listener.v4 = local.address.is_v4();
  if (!local.address.is_any()) {
    listener.local_addr = addresses_.find(local.address);
    if (listener.local_addr == kNoAddress) {
      return Error{Errc::kAddressNotAvailable, local.address.to_string() + " is not an address of any port"};
    }
    if (addresses_.is_autoconfigured(listener.local_addr)) {
      return Error{Errc::kAddressNotAvailable, local.address.to_string() + " is autoconfigured and may go; listen on [::]"};
    }
  }
  if (local.port == 0) {
    const std::uint32_t first = rng_.below(LocalPorts::kCount);
    for (std::uint32_t i = 0; i < LocalPorts::kCount && local.port == 0; ++i) {
      const auto port = static_cast<std::uint16_t>(LocalPorts::kFirst + (first + i) % LocalPorts::kCount);
      if (!listeners_.in_use(port)) local.port = port;
    }
    if (local.port == 0) return Error{Errc::kAddressInUse, "no free port"};
  }
  if (listeners_.taken(local.address, local.port)) {
    return Error{Errc::kAddressInUse, local.to_string() + " is listened on already"};
  }
  listener.port = local.port;
  listener.service = service_index(service);
  listener.backlog = backlog;
  listener.params = make_params(params_from(options, listener.service));
  if (listener.params == kNoParams) return Error{Errc::kNoMemory, "too many sets of options"};
  const std::uint16_t index = listeners_.add(listener);
  if (index == Listeners::kNone) {
    unref_params(listener.params);
    return Error{Errc::kNoMemory, "too many listeners"};
  }
  return ListenerId{index + 1U};
}

void Stack::reset_half_open(std::uint32_t index) noexcept {
  const tcp::HalfOpen& record = slabs_.half_opens[index];
  tcp::OutSegment answer;
  // With ACK: where our SYN|ACK was lost the client is in SYN_SENT still and believes no other RST.
  answer.seq = record.iss + 1;
  answer.ack = record.irs + 1;
  answer.flags = tcp::kRst | tcp::kAck;
  ++counters_.mib.OutSegs;
  ++counters_.mib.OutRsts;
  ++counters_.mib.AttemptFails;
  ++stack_counters_.half_open_dropped;
  send(answer, record.flow, params_of(listeners_[record.listener]).ip);
  remove_half_open(Handle::make(Kind::kHalfOpen, index));
}

void Stack::hold_listener(ListenerId id, bool held) noexcept {
  if (id.value == 0 || id.value > listeners_.size()) return;
  listeners_[static_cast<std::uint16_t>(id.value - 1)].held = held;
}

Endpoint Stack::local(ListenerId id) const {
  if (id.value == 0 || id.value > listeners_.size()) return {};
  const Listener& listener = listeners_[static_cast<std::uint16_t>(id.value - 1)];
  return {listener.address, listener.port};
}

void Stack::close_listener(ListenerId id) noexcept {
  if (id.value == 0 || id.value > listeners_.size()) return;
  const auto index = static_cast<std::uint16_t>(id.value - 1);
  if (!listeners_[index].open) return;
  listeners_.remove(index);
  // Its half-open connections are told, so that their clients need not wait for a timeout.
  for (std::uint32_t i = 0; i < slabs_.half_opens.high_water() && listeners_[index].half_open != 0; ++i) {
    const tcp::HalfOpen& record = slabs_.half_opens[i];
    if (!TimerWheelCore::is_armed(record.timer) || record.listener != index) continue;
    reset_half_open(i);
  }
  unref_params(listeners_[index].params);
}

void Stack::reset_service(Service& service) noexcept {
  const std::uint16_t wanted = service_index(service);
  for (std::uint32_t i = 0; i < slabs_.half_opens.high_water(); ++i) {
    const tcp::HalfOpen& record = slabs_.half_opens[i];
    if (!TimerWheelCore::is_armed(record.timer) || listeners_[record.listener].service != wanted) continue;
    reset_half_open(i);
  }
  for (std::uint32_t i = 0; i < slabs_.tcbs.high_water(); ++i) {
    tcp::Tcb& tcb = slabs_.tcbs[i];
    if (tcb.generation == 0 || params_[tcb.params].service != wanted) continue;
    tcb.flags |= tcp::kAppClosed;
    if (tcb.state != State::kClosed) tcp::abort(tcb, Errc::kConnectionAborted, env_);
    env_.events = 0;
    const Handle handle = Handle::make(Kind::kTcb, i);
    if (current_ == &tcb) {
      flush_outbox(tcb);
    } else {
      finish(handle, tcb);
    }
  }
  for (std::uint32_t i = 0; i < slabs_.time_waits.high_water(); ++i) {
    const tcp::TimeWait& record = slabs_.time_waits[i];
    if (!TimerWheelCore::is_armed(record.timer) || record.service != wanted) continue;
    remove_time_wait(Handle::make(Kind::kTimeWait, i));
  }
}

tcp::Tcb* Stack::tcb(std::uint32_t index, std::uint16_t generation) noexcept {
  if (index >= slabs_.tcbs.high_water() || generation == 0) return nullptr;
  tcp::Tcb& tcb = slabs_.tcbs[index];
  if (tcb.generation != generation || (tcb.flags & tcp::kAppClosed) != 0) return nullptr;
  return &tcb;
}

void Stack::after_call(tcp::Tcb& tcb) noexcept {
  if (&tcb == current_) {
    // A RST leaves now: what is called next may be another connection, and would take it for its own.
    if (outbox_.size() != 0) [[unlikely]] flush_outbox(tcb);
    return;
  }
  const std::uint8_t events = env_.events;
  finish(Handle::make(Kind::kTcb, slabs_.tcbs.index_of(tcb)), tcb);
  env_.events = events;
}

}  // namespace sluice::stack
