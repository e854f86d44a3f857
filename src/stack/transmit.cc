// SPDX-License-Identifier: BSD-3-Clause
// Segments out: from the core's Outbox to frames in the transmit queue of the right
// interface, with the next hop's Ethernet address.
#include <cstring>

#include "base/frame.h"
#include "stack/frame_builder.h"
#include "stack/stack.h"

namespace sluice::stack {

void Stack::enqueue_on_full(std::size_t interface, Buf* frame) noexcept {
  if (flush_tx_) flush_tx_(interface);
  if (tx_[interface].count != TxQueue::kCapacity) return enqueue(interface, frame);
  ++stack_counters_.tx_overflow;
  drop_frame(frame, bufs_);
}

// In line: send() has what it asks for in registers.
[[gnu::always_inline]] inline void Stack::send_from(const LocalAddress& local, Buf* frame, const IpAddress& remote,
                                                    Neighbours::Asker asker) noexcept {
  const IpAddress* hop = config_.learn_next_hops ? &remote : addresses_.next_hop(local, remote);
  const wire::MacAddress* mac = hop != nullptr ? neighbours_.known(local.interface, *hop, env_.now) : nullptr;
  if (mac == nullptr) [[unlikely]] {
    if (hop != &remote) asker = Neighbours::Asker::kOurs;  // a router of ours: nobody chooses who is asked for
    return resolve_and_send(frame, local.interface, hop, asker);
  }
  std::memcpy(frame->data, mac->data(), mac->size());
  enqueue(local.interface, frame);
}

void Stack::send_frame(Buf* frame, std::uint16_t local, const IpAddress& remote, Neighbours::Asker asker) noexcept {
  send_from(addresses_[local], frame, remote, asker);
}

void Stack::resolve_and_send(Buf* frame, std::uint8_t interface, const IpAddress* hop, Neighbours::Asker asker) noexcept {
  if (hop == nullptr) {
    ++stack_counters_.no_route;
    return drop_frame(frame, bufs_);
  }
  const auto [mac, entry, limited] = neighbours_.resolve(interface, *hop, env_.now, asker);
  if (mac != nullptr) {
    std::memcpy(frame->data, mac->data(), mac->size());
    enqueue(interface, frame);
  } else if (limited) {
    drop_frame(frame, bufs_);
  } else if (linearise_in_place(*frame, bufs_)) {  // what waits must not hold others' buffers
    neighbours_.wait(interface, *hop, frame);
  } else {
    ++stack_counters_.no_buffer;
    drop_frame(frame, bufs_);
  }
  if (entry != nullptr) solicit(*entry);
}

void Stack::send(const tcp::OutSegment& segment, const tcp::FlowId& flow, tcp::IpFields ip, Neighbours::Asker asker) noexcept {
  const LocalAddress& local = addresses_[flow.local_addr];
  Buf* frame = build_frame(segment, flow, ip, local.origin, ip_ids_.next(), bufs_);
  if (frame == nullptr) [[unlikely]] {
    ++stack_counters_.no_buffer;
    return;
  }
  send_from(local, frame, flow.remote, asker);
}

void Stack::flush_outbox(const tcp::Tcb& tcb) noexcept {
  for (std::size_t i = 0; i < outbox_.size(); ++i) send(outbox_[i], tcb.flow, env_.of(tcb).ip, Neighbours::Asker::kOurs);
  outbox_.clear();
}

void Stack::send_syn_ack(const tcp::HalfOpen& record, const tcp::FastOpenCookie* grant) noexcept {
  const tcp::Params& params = params_of(listeners_[record.listener]);
  tcp::OutSegment segment = tcp::syn_ack(record, params, addresses_.mss()[record.flow.local_addr], ts_offset(record), env_.now);
  if (grant != nullptr) [[unlikely]] put_grant(segment, *grant);
  ++counters_.mib.OutSegs;
  send(segment, record.flow, params.ip);
}

// RFC 4022: OutSegs does not count what is sent again.
void Stack::repeat_syn_ack(const tcp::HalfOpen& record) noexcept {
  send_syn_ack(record);
  --counters_.mib.OutSegs;
  ++counters_.mib.RetransSegs;
}

std::uint32_t Stack::ts_offset(const tcp::FlowId& flow) const noexcept {
  if (config_.recorded) [[unlikely]] {
    if (const auto numbers = config_.recorded(flow, addresses_[flow.local_addr].address, env_.now)) return numbers->ts_offset;
  }
  return tcp::timestamp_offset(secrets_[flow.local_addr], flow);
}

}  // namespace sluice::stack
