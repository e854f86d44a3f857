// SPDX-License-Identifier: BSD-3-Clause
// Active opens: the address and the port of ours, and the connection itself.
#include <algorithm>
#include <optional>
#include <span>

#include "stack/stack.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace sluice::stack {

namespace {
// Of several addresses at most so many are tried for a free port.
constexpr std::size_t kSourcesTried = 4;

// RFC 9293 3.9.2.3, MUST-46: neither a group nor what no host answers to.
bool may_be_a_peer(const IpAddress& address) noexcept {
  if (address.is_v4()) return !wire::ipv4_source_is_martian(address.bytes[12]);
  return wire::ipv6_scope(address.bytes.data()) == wire::Ipv6Scope::kUnicast;
}
}  // namespace

// Deviation: RFC 9293 3.10.1 refuses an OPEN in TIME-WAIT. Ours gives way to an open of our own where timestamps
// tell both ends the old connection's segments from the new one's. Pinned by OurTimeWaitGivesWayToAnOpenOfOurs.
bool Stack::may_give_way(Handle holder) const noexcept {
  if (holder.kind() != Kind::kTimeWait) return false;
  const tcp::TimeWait& record = slabs_.time_waits[holder.index()];
  const std::int64_t left_ms = std::int64_t{record.deadline.until(env_.tick)} * kTickNs / 1'000'000;
  return tcp::may_reopen(record, 2 * std::int64_t{config_.msl_ms} - left_ms);
}

// A port for which the answers come back to this shard. False: none was found.
bool Stack::choose_port(tcp::FlowId& flow, Handle& holder) noexcept {
  const IpAddress& local = addresses_[flow.local_addr].address;
  const auto use = [&](std::uint16_t port) {
    flow.local_port = port;
    if (listeners_.in_use(port)) return LocalPorts::Use::kNotOurs;
    if (config_.owns && !config_.owns(flow, local)) return LocalPorts::Use::kNotOurs;
    const Handle found = find(flow);
    if (!found.valid()) return LocalPorts::Use::kFree;
    return may_give_way(found) ? LocalPorts::Use::kSpare : LocalPorts::Use::kTaken;
  };
  const LocalPorts::Choice choice = local_ports_.choose(local, flow.remote, flow.remote_port, use);
  flow.local_port = choice.port;
  holder = choice.spare ? find(flow) : kNoHandle;
  return choice.port != 0;
}

// `holder`: the TIME_WAIT record that has the four-tuple until now, if one has.
Result<void> Stack::choose_local(tcp::FlowId& flow, Handle& holder, const Endpoint& remote, const Endpoint& from) {
  const bool any = from.address.is_any();
  flow.local_addr = any ? addresses_.source_for(remote.address) : addresses_.find(from.address);
  if (flow.local_addr == kNoAddress) {
    if (any) return Error{Errc::kNetUnreachable, "no route to " + remote.address.to_string()};
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
    if (config_.owns && !config_.owns(flow, addresses_[flow.local_addr].address)) {
      return Error{Errc::kAddressNotAvailable, "another shard has what comes to " + from.to_string() + " from " + remote.to_string()};
    }
    holder = find(flow);
    if (!holder.valid() || may_give_way(holder)) return {};
    return Error{Errc::kAddressInUse, from.to_string() + " is in use towards " + remote.to_string()};
  }
  const auto sources = any ? addresses_.sources(flow.local_addr) : std::span<const std::uint16_t>{};
  if (sources.empty() && choose_port(flow, holder)) return {};
  for (std::size_t i = 0; i < std::min(sources.size(), kSourcesTried); ++i) {
    flow.local_addr = sources[next_source_++ % sources.size()];
    if (!addresses_.disabled(flow.local_addr) && choose_port(flow, holder)) return {};
  }
  return Error{Errc::kAddressNotAvailable, "no free port towards " + remote.to_string()};
}

Result<Connection> Stack::connect(Service& service, Endpoint remote, Endpoint from, const SocketOptions& options) {
  tcp::FlowId flow;
  flow.remote = remote.address;
  flow.remote_port = remote.port;
  if (remote.port == 0 || !may_be_a_peer(remote.address) || addresses_.is_broadcast(remote.address)) {
    return Error{Errc::kInvalid, remote.to_string() + " cannot be connected to"};
  }
  if (auto good = check_options(options); !good) return good.error();
  if (ending_) return Error{Errc::kConnectionAborted, "the engine ends"};
  if (n_expired_ != 0) [[unlikely]] remove_expired();  // called by a timer: what has ended must not give way as well
  Handle holder;
  if (auto chosen = choose_local(flow, holder, remote, from); !chosen.ok()) return chosen.error();

  const std::uint32_t index = take_tcb();
  if (index == kNoIndex) return Error{Errc::kNoMemory, "max_connections reached"};
  const std::uint16_t params = share_params(params_from(options, service_index(service)));
  const Handle handle = Handle::make(Kind::kTcb, index);
  const auto no_room = [] { return Error{Errc::kNoMemory, "no room for another connection"}; };
  if (params == kNoParams) {
    slabs_.tcbs.give(index);
    return no_room();
  }
  tcp::Tcb& tcb = slabs_.tcbs[index];
  std::optional<SeqNum> iss_above;
  if (holder.valid()) {
    tcb.flow = flow;
    iss_above = slabs_.time_waits[holder.index()].snd_nxt;
    table_.replace(hash(flow), holder, handle);
    wheel_.cancel(holder);
    slabs_.time_waits.give(holder.index());
    ++stack_counters_.time_wait_reopened;
  } else if (!enter_table(slabs_.tcbs, handle, flow, hash(flow))) {
    unref_params(params);
    return no_room();
  }
  tcb.params = params;
  tcb.generation = take_generation();
  static_cast<std::uint32_t*>(opened_ms_.data())[index] = env_.now_ms();
  env_.events = 0;
  if (!open_active(tcb, options, iss_above)) [[unlikely]] {
    tcp::abort(tcb, Errc::kNoMemory, env_);
    outbox_.clear();  // its SYN
    env_.events = 0;
    finish(handle, tcb);
    return Error{Errc::kNoMemory, "no buffers for the first bytes"};
  }
  const Connection connection(this, index, tcb.generation);
  finish(handle, tcb);
  return connection;
}

}  // namespace sluice::stack
