// SPDX-License-Identifier: BSD-3-Clause
// The stack as others see it: connection reports, counters, invariants.
#include <algorithm>
#include <iterator>

#include "stack/stack.h"

namespace sluice::stack {

ConnectionInfo Stack::info(const tcp::Tcb& tcb) const {
  ConnectionInfo info;
  info.local = {addresses_[tcb.flow.local_addr].address, tcb.flow.local_port};
  info.peer = {tcb.flow.remote, tcb.flow.remote_port};
  info.state = tcb.state;
  info.snd_una = tcb.snd_una.value();
  info.snd_nxt = tcb.snd_nxt.value();
  info.snd_wnd = tcp::snd_wnd_bytes(tcb);
  info.rcv_nxt = tcb.rcv_nxt.value();
  info.rcv_wnd = tcp::rcv_wnd_bytes(tcb);
  info.cwnd = tcb.cwnd;
  info.ssthresh = tcb.ssthresh;
  info.srtt_us = tcb.srtt_us8 / 8;
  info.rto_us = tcp::rto_us(tcb);
  info.retransmits = tcb.retransmits;
  info.rx_queued = tcb.rcv_queued;
  info.tx_queued = tcb.snd_queued;
  info.age_ms = env_.now_ms() - static_cast<const std::uint32_t*>(opened_ms_.data())[slabs_.tcbs.index_of(tcb)];
  return info;
}

bool Stack::report(ConnTableCore::Cursor& cursor, std::uint32_t buckets_max, unsigned shard,
                   std::vector<ConnectionReport>& out, const std::function<bool(const ConnectionReport&)>& wanted) const {
  const auto add = [&](ConnectionReport report) {
    if (!wanted || wanted(report)) out.push_back(std::move(report));
  };
  return table_.for_each(cursor, buckets_max, [&](Handle handle) {
    ConnectionReport report;
    report.shard = shard;
    const tcp::FlowId& flow = slabs_.flow(handle);
    if (handle.kind() == Kind::kTcb) {
      const tcp::Tcb& tcb = slabs_.tcbs[handle.index()];
      report.info = info(tcb);
      report.service = services_[params_[tcb.params].service].name;
      add(std::move(report));
      return;
    }
    report.info.local = {addresses_[flow.local_addr].address, flow.local_port};
    report.info.peer = {flow.remote, flow.remote_port};
    if (handle.kind() == Kind::kHalfOpen) {
      const tcp::HalfOpen& record = slabs_.half_opens[handle.index()];
      report.info.state = State::kSynRcvd;
      report.info.snd_una = record.iss.value();
      report.info.snd_nxt = record.iss.value() + 1;
      report.info.rcv_nxt = record.irs.value() + 1;
      report.info.snd_wnd = record.peer_wnd;
      report.info.retransmits = record.retries;
      report.service = services_[listeners_[record.listener].service].name;
    } else {
      const tcp::TimeWait& record = slabs_.time_waits[handle.index()];
      report.info.state = State::kTimeWait;
      report.info.snd_una = report.info.snd_nxt = record.snd_nxt.value();
      report.info.rcv_nxt = record.rcv_nxt.value();
      // How long it has been waiting.
      const std::int64_t left_ms = std::int64_t{record.deadline.until(env_.tick)} * kTickNs / 1'000'000;
      report.info.age_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(2 * std::int64_t{config_.msl_ms} - left_ms, 0));
      report.service = services_[record.service].name;
    }
    add(std::move(report));
  });
}

std::array<std::uint64_t, kStates> Stack::states() const noexcept {
  std::array<std::uint64_t, kStates> states = counters_.states;
  states[static_cast<std::size_t>(State::kClosed)] = 0;
  states[static_cast<std::size_t>(State::kListen)] = listeners_.open();
  states[static_cast<std::size_t>(State::kSynRcvd)] += slabs_.half_opens.used();
  states[static_cast<std::size_t>(State::kTimeWait)] += slabs_.time_waits.used();
  return states;
}

// Every counter of a shard beside verdicts and MIB: its name, and where it stands.
struct StackCounterTable {
  struct Row {
    const char* name;
    std::uint64_t (*get)(const Stack& stack);
  };
  static constexpr Row kRows[] = {
      {"buffers_exhausted", [](const Stack& s) -> std::uint64_t { return s.bufs_.exhausted(); }},
      {"buffers_scarce", [](const Stack& s) -> std::uint64_t { return s.bufs_.refused(); }},
      {"frames_without_buffer", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.no_buffer; }},
      {"tx_overflow", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.tx_overflow; }},
      {"handed_over", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.handed_over; }},
      {"no_route", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.no_route; }},
      {"half_open", [](const Stack& s) -> std::uint64_t { return s.slabs_.half_opens.used(); }},
      {"half_open_timeouts", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.half_open_timeouts; }},
      {"half_open_dropped", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.half_open_dropped; }},
      {"syn_cookies_sent", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.cookies_sent; }},
      {"syn_cookies_accepted", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.cookies_accepted; }},
      {"syn_cookies_refused", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.cookies_refused; }},
      {"fastopen_granted", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.fastopen_granted; }},
      {"fastopen_accepted", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.fastopen_accepted; }},
      {"fastopen_refused", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.fastopen_refused; }},
      {"fastopen_active", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.fastopen_active; }},
      {"zero_window_aborts", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.zero_window_aborts; }},
      {"silent_aborts", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.silent_aborts; }},
      {"full_table_aborts", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.full_table_aborts; }},
      {"time_wait", [](const Stack& s) -> std::uint64_t { return s.slabs_.time_waits.used(); }},
      {"time_wait_overflow", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.time_wait_overflow; }},
      {"time_wait_reopened", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.time_wait_reopened; }},
      {"table_entries", [](const Stack& s) -> std::uint64_t { return s.table_.size(); }},
      {"table_bytes", [](const Stack& s) -> std::uint64_t { return s.table_.stats().bytes; }},
      {"table_full", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.table_full; }},
      {"side_blocks", [](const Stack& s) -> std::uint64_t { return s.slabs_.sides.used(); }},
      {"side_blocks_exhausted", [](const Stack& s) -> std::uint64_t { return s.counters_.side_blocks_exhausted; }},
      {"congestion_blocks", [](const Stack& s) -> std::uint64_t { return s.slabs_.congestion.used(); }},
      {"congestion_blocks_exhausted",
       [](const Stack& s) -> std::uint64_t { return s.counters_.congestion_blocks_exhausted; }},
      {"ecn_marks", [](const Stack& s) -> std::uint64_t { return s.counters_.ecn_marks; }},
      {"ecn_reductions", [](const Stack& s) -> std::uint64_t { return s.counters_.ecn_reductions; }},
      {"timers_armed", [](const Stack& s) -> std::uint64_t { return s.wheel_.stats().armed; }},
      {"timers_fired", [](const Stack& s) -> std::uint64_t { return s.wheel_.stats().fired; }},
      {"timers_late_max_ticks", [](const Stack& s) -> std::uint64_t { return s.wheel_.stats().late_max; }},
      {"neighbour_solicitations", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().solicitations; }},
      {"neighbour_solicitations_limited", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().limited; }},
      {"neighbours_learned", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().learned; }},
      {"neighbours_evicted", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().evicted; }},
      {"neighbours_failed", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().failed; }},
      {"neighbour_waiting_dropped", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().waiting_dropped; }},
      {"reassembly_pending", [](const Stack& s) -> std::uint64_t { return s.reassembly_.pending(); }},
      {"reassembled", [](const Stack& s) -> std::uint64_t { return s.reassembly_.counters().reassembled; }},
      {"reassembly_timeouts", [](const Stack& s) -> std::uint64_t { return s.reassembly_.counters().timeouts; }},
      {"reassembly_evicted", [](const Stack& s) -> std::uint64_t { return s.reassembly_.counters().evicted; }},
      {"neighbour_news_refused", [](const Stack& s) -> std::uint64_t { return s.neighbours_.counters().refused; }},
      {"address_conflicts", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.address_conflicts; }},
      {"addresses_disabled", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.addresses_disabled; }},
      {"routers", [](const Stack& s) -> std::uint64_t { return s.routers_.known(); }},
      {"router_advertisements", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.router_advertisements; }},
      {"router_solicitations", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.router_solicitations; }},
      {"routers_refused", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.routers_refused; }},
      {"mld_reports", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.mld_reports; }},
      {"slaac_addresses", [](const Stack& s) -> std::uint64_t { return s.addresses_.autoconfigured_now(); }},
      {"slaac_conflicts", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.slaac_conflicts; }},
      {"slaac_refused", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.slaac_refused; }},
      {"icmp_errors_sent", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.icmp_errors_sent; }},
      {"icmp_errors_limited", [](const Stack& s) -> std::uint64_t { return s.stack_counters_.icmp_errors_limited; }},
      {"path_mtu_lowered", [](const Stack& s) -> std::uint64_t { return s.path_counters_.lowered; }},
      {"path_mtu_black_holes", [](const Stack& s) -> std::uint64_t { return s.path_counters_.black_holes; }},
      {"path_mtu_probes", [](const Stack& s) -> std::uint64_t { return s.path_counters_.probes; }},
      {"path_mtu_raised", [](const Stack& s) -> std::uint64_t { return s.path_counters_.raised; }},
      {"paws_dropped", [](const Stack& s) -> std::uint64_t { return s.counters_.paws_dropped; }},
      {"challenge_acks", [](const Stack& s) -> std::uint64_t { return s.counters_.challenge_acks; }},
      {"challenge_acks_limited", [](const Stack& s) -> std::uint64_t { return s.counters_.challenge_acks_limited; }},
      {"ooo_buffers", [](const Stack& s) -> std::uint64_t { return s.env_.ooo_bufs; }},
      {"ooo_dropped", [](const Stack& s) -> std::uint64_t { return s.counters_.ooo_dropped; }},
      {"rto_timeouts", [](const Stack& s) -> std::uint64_t { return s.counters_.rto_timeouts; }},
      {"fast_retransmits", [](const Stack& s) -> std::uint64_t { return s.counters_.fast_retransmits; }},
      {"keepalive_probes", [](const Stack& s) -> std::uint64_t { return s.counters_.keepalive_probes; }},
      {"zero_window_probes", [](const Stack& s) -> std::uint64_t { return s.counters_.zero_window_probes; }},
      {"tlp_probes", [](const Stack& s) -> std::uint64_t { return s.counters_.tlp_probes; }},
      {"tlp_losses", [](const Stack& s) -> std::uint64_t { return s.counters_.tlp_losses; }},
      {"reorder_timeouts", [](const Stack& s) -> std::uint64_t { return s.counters_.reorder_timeouts; }},
      {"lost_retransmissions", [](const Stack& s) -> std::uint64_t { return s.counters_.lost_retransmissions; }},
      {"dsacks_received", [](const Stack& s) -> std::uint64_t { return s.counters_.dsacks_received; }},
      {"undone_by_timestamps", [](const Stack& s) -> std::uint64_t { return s.counters_.undone_by_timestamps; }},
      {"undone_by_dsack", [](const Stack& s) -> std::uint64_t { return s.counters_.undone_by_dsack; }},
      {"undone_by_frto", [](const Stack& s) -> std::uint64_t { return s.counters_.undone_by_frto; }},
      {"send_maps", [](const Stack& s) -> std::uint64_t { return s.slabs_.maps.used(); }},
      {"long_send_maps", [](const Stack& s) -> std::uint64_t { return s.slabs_.more_sends.used(); }},
      {"send_maps_exhausted", [](const Stack& s) -> std::uint64_t { return s.counters_.send_maps_exhausted; }},
      {"delayed_acks", [](const Stack& s) -> std::uint64_t { return s.counters_.delayed_acks; }},
  };
};
static_assert(std::size(StackCounterTable::kRows) == Stack::kNamedCounters);

const char* Stack::counter_name(std::size_t index) noexcept { return StackCounterTable::kRows[index].name; }

void Stack::read_counters(std::span<std::uint64_t, kNamedCounters> out) const noexcept {
  for (std::size_t i = 0; i < kNamedCounters; ++i) out[i] = StackCounterTable::kRows[i].get(*this);
}

const char* Stack::broken_invariant() noexcept {
  std::uint64_t frames = 0;
  for (const std::uint64_t n : verdicts_) frames += n;
  if (frames != received_) return "every frame has one verdict";
  if (table_.size() != slabs_.tcbs.used() + slabs_.half_opens.used() + slabs_.time_waits.used()) {
    return "every record is in the table";
  }
  if (outbox_.size() != 0) return "no segment waits between events";
  for (std::uint32_t i = 0; i < slabs_.tcbs.high_water(); ++i) {
    const tcp::Tcb& tcb = slabs_.tcbs[i];
    if (tcb.generation == 0) continue;
    if (const char* broken = tcp::broken_invariant(tcb, env_); broken != nullptr) return broken;
    if (find(tcb.flow) != Handle::make(Kind::kTcb, i)) return "a connection is found under its flow";
    const Tick due = tcp::next_deadline(tcb);
    if (due.armed() && (!tcb.armed.armed() || due.before(tcb.armed))) return "the wheel is armed in time";
  }
  return nullptr;
}

}  // namespace sluice::stack
