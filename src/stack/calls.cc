// SPDX-License-Identifier: BSD-3-Clause
// What services ask of a shard: listen, connect, close, reset. Control path.
#include "stack/stack.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::stack {

namespace {
constexpr std::uint16_t kFirstEphemeral = 32768;
constexpr std::uint32_t kEphemerals = 28232;  // to 60999, as Linux has it

// RFC 9293 3.9.2.3, MUST-46: neither a group nor what no host answers to.
bool may_be_a_peer(const IpAddress& address) noexcept {
  if (address.is_v4()) return !wire::ipv4_source_is_martian(address.bytes[12]);
  return wire::ipv6_scope(address.bytes.data()) == wire::Ipv6Scope::kUnicast;
}
}  // namespace

Result<ListenerId> Stack::listen(Service& service, Endpoint local, const SocketOptions& options, std::uint32_t backlog) {
  Listener listener;
  listener.address = local.address;
  listener.v4 = local.address.is_v4();
  if (!local.address.is_any()) {
    listener.local_addr = addresses_.find(local.address);
    if (listener.local_addr == kNoAddress) {
      return Error{Errc::kAddressNotAvailable, local.address.to_string() + " is not an address of any port"};
    }
  }
  if (local.port == 0) {
    const std::uint32_t first = rng_.below(kEphemerals);
    for (std::uint32_t i = 0; i < kEphemerals && local.port == 0; ++i) {
      const auto port = static_cast<std::uint16_t>(kFirstEphemeral + (first + i) % kEphemerals);
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
  send(answer, record.flow);
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

// RFC 6056 algorithm 1, with the condition that the answers come back to this shard.
bool Stack::choose_port(tcp::FlowId& flow, std::uint64_t tries) noexcept {
  const IpAddress& local = addresses_[flow.local_addr].address;
  const std::uint32_t first = rng_.below(kEphemerals);
  for (std::uint64_t i = 0; i < tries; ++i) {
    flow.local_port = static_cast<std::uint16_t>(kFirstEphemeral + (first + i) % kEphemerals);
    if (listeners_.in_use(flow.local_port)) continue;
    if (config_.owns && !config_.owns(flow, local)) continue;
    if (!find(flow).valid()) return true;
  }
  return false;
}

Result<Connection> Stack::connect(Service& service, Endpoint remote, Endpoint from, const SocketOptions& options) {
  tcp::FlowId flow;
  flow.remote = remote.address;
  flow.remote_port = remote.port;
  if (remote.port == 0 || !may_be_a_peer(remote.address) || addresses_.is_broadcast(remote.address)) {
    return Error{Errc::kInvalid, remote.to_string() + " cannot be connected to"};
  }
  flow.local_addr = from.address.is_any() ? addresses_.source_for(remote.address) : addresses_.find(from.address);
  if (flow.local_addr == kNoAddress) {
    if (from.address.is_any()) return Error{Errc::kNetUnreachable, "no route to " + remote.address.to_string()};
    return Error{Errc::kAddressNotAvailable, from.address.to_string() + " is not an address of any port"};
  }
  if (addresses_[flow.local_addr].address.is_v4() != remote.address.is_v4()) {
    return Error{Errc::kInvalid, "addresses of two families"};
  }
  if (!config_.learn_next_hops && addresses_.next_hop(flow.local_addr, remote.address) == nullptr) {
    return Error{Errc::kNetUnreachable, "no route to " + remote.address.to_string()};
  }
  if (from.port != 0) {
    flow.local_port = from.port;
    if (find(flow).valid()) return Error{Errc::kAddressInUse, from.to_string() + " is in use towards " + remote.to_string()};
  } else if (!choose_port(flow, kEphemerals)) {
    return Error{Errc::kAddressNotAvailable, "no free port towards " + remote.to_string()};
  }

  const std::uint32_t index = slabs_.tcbs.take();
  if (index == kNoIndex) return Error{Errc::kNoMemory, "max_connections reached"};
  const std::uint16_t params = share_params(params_from(options, service_index(service)));
  const Handle handle = Handle::make(Kind::kTcb, index);
  tcp::Tcb& tcb = slabs_.tcbs[index];
  // An insert may split the very bucket, and then asks the record for its hash.
  tcb.flow = flow;
  if (params == kNoParams || !table_.insert(hash(flow), handle)) {
    if (params != kNoParams) unref_params(params);
    slabs_.tcbs.give(index);
    return Error{Errc::kNoMemory, "no room for another connection"};
  }
  tcb.params = params;
  tcb.generation = take_generation();
  static_cast<std::uint32_t*>(opened_ms_.data())[index] = env_.now_ms();
  env_.events = 0;
  open_active(tcb, options);
  const Connection connection(this, index, tcb.generation);
  finish(handle, tcb);
  return connection;
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
    if (current_ != handle) finish(handle, tcb);
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
  const Handle handle = Handle::make(Kind::kTcb, slabs_.tcbs.index_of(tcb));
  if (handle == current_) return;
  const std::uint8_t events = env_.events;
  finish(handle, tcb);
  env_.events = events;
}

}  // namespace sluice::stack
