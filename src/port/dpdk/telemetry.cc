// SPDX-License-Identifier: BSD-3-Clause
#include "port/dpdk/telemetry.h"

#include <rte_telemetry.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "base/check.h"

namespace sluice::port {

namespace {

// An answer is cut off silently beyond DPDK's 16 KiB. A row of a shard is at most 200
// bytes; verdicts, states and one shard's counters are far below 256 dictionary entries.
constexpr std::size_t kShardRows = 80;
// Dictionary strings are shorter than this.
constexpr std::size_t kTextMax = RTE_TEL_MAX_STRING_LEN - 1;

// DPDK never forgets a command and its threads outlive main, so this is never destroyed.
struct Desk {
  std::mutex mutex;
  std::function<Stats()> source;
};
Desk& desk() {
  static Desk* const made = new Desk;  // NOLINT: see above
  return *made;
}

void add(rte_tel_data* dict, const char* name, std::uint64_t value) { rte_tel_data_add_dict_u64(dict, name, value); }
void add(rte_tel_data* dict, const char* name, const std::string& text) {
  rte_tel_data_add_dict_string(dict, name, text.substr(0, kTextMax).c_str());
}

// A dictionary within `out`, filled by `fill`. DPDK 22.11 nests dictionaries in
// dictionaries, but not in arrays, so rows are named by their number.
template <typename Fill>
int nest(rte_tel_data* out, const std::string& name, Fill fill) {
  rte_tel_data* inner = rte_tel_data_alloc();
  if (inner == nullptr) return -ENOMEM;
  rte_tel_data_start_dict(inner);
  fill(inner);
  const int added = rte_tel_data_add_dict_container(out, name.c_str(), inner, 0);
  if (added < 0) rte_tel_data_free(inner);
  return added;
}

int add_tcp(const Stats& stats, rte_tel_data* out) {
  const TcpStats& tcp = stats.tcp;
  rte_tel_data_start_dict(out);
  add(out, "ActiveOpens", tcp.ActiveOpens);
  add(out, "PassiveOpens", tcp.PassiveOpens);
  add(out, "AttemptFails", tcp.AttemptFails);
  add(out, "EstabResets", tcp.EstabResets);
  add(out, "CurrEstab", tcp.CurrEstab);
  add(out, "InSegs", tcp.InSegs);
  add(out, "OutSegs", tcp.OutSegs);
  add(out, "RetransSegs", tcp.RetransSegs);
  add(out, "InErrs", tcp.InErrs);
  add(out, "OutRsts", tcp.OutRsts);
  return nest(out, "states", [&stats](rte_tel_data* states) {
    for (std::size_t i = 0; i < kStates; ++i) add(states, state_name(static_cast<State>(i)), stats.states.at(i));
  });
}

int add_verdicts(const Stats& stats, rte_tel_data* out) {
  rte_tel_data_start_dict(out);
  for (const VerdictCount& verdict : stats.verdicts) add(out, verdict.name, verdict.frames);
  return 0;
}

void add_port(const PortStats& port, rte_tel_data* row) {
  add(row, "name", port.name);
  add(row, "device", port.device);
  add(row, "link_up", port.link_up ? 1 : 0);
  add(row, "rx_frames", port.rx_frames);
  add(row, "rx_bytes", port.rx_bytes);
  add(row, "tx_frames", port.tx_frames);
  add(row, "tx_bytes", port.tx_bytes);
  add(row, "rx_missed", port.rx_missed);
  add(row, "rx_no_buffer", port.rx_no_buffer);
  add(row, "tx_dropped", port.tx_dropped);
}

int add_ports(const Stats& stats, rte_tel_data* out) {
  rte_tel_data_start_dict(out);
  int status = 0;
  for (std::size_t i = 0; i < stats.ports.size() && status == 0; ++i) {
    status = nest(out, std::to_string(i), [&](rte_tel_data* row) { add_port(stats.ports[i], row); });
  }
  return status;
}

void add_shard(const ShardStats& shard, rte_tel_data* row) {
  add(row, "index", shard.index);
  add(row, "loops", shard.loops);
  add(row, "busy_loops", shard.busy_loops);
  add(row, "rx_frames", shard.rx_frames);
  add(row, "tx_frames", shard.tx_frames);
  add(row, "buffers_in_use", shard.buffers_in_use);
}

int add_all_shards(const Stats& stats, rte_tel_data* out) {
  rte_tel_data_start_dict(out);
  int status = 0;
  for (std::size_t i = 0; i < stats.shards.size() && i < kShardRows && status == 0; ++i) {
    status = nest(out, std::to_string(i), [&](rte_tel_data* row) { add_shard(stats.shards[i], row); });
  }
  return status;
}

int add_one_shard(const Stats& stats, const char* number, rte_tel_data* out) {
  unsigned index = 0;
  const char* const end = number + std::strlen(number);
  const auto read = std::from_chars(number, end, index);
  if (read.ec != std::errc{} || read.ptr != end || index >= stats.shards.size()) return -EINVAL;
  const ShardStats& shard = stats.shards[index];
  rte_tel_data_start_dict(out);
  add_shard(shard, out);
  return nest(out, "counters", [&shard](rte_tel_data* counters) {
    for (const NamedCount& counter : shard.counters) add(counters, counter.name, counter.value);
  });
}

// A negative answer becomes null on the wire. DPDK is C: no exception may pass.
template <typename Answer>
int answer(rte_tel_data* out, Answer add_all) noexcept {
  try {
    Stats stats;
    {
      const std::lock_guard lock(desk().mutex);
      if (!desk().source) return -ENODEV;
      stats = desk().source();
    }
    return add_all(stats, out);
  } catch (const std::exception&) {
    return -ENOMEM;
  }
}

int answer_stats(const char*, const char*, rte_tel_data* out) { return answer(out, add_tcp); }
int answer_verdicts(const char*, const char*, rte_tel_data* out) { return answer(out, add_verdicts); }
int answer_ports(const char*, const char*, rte_tel_data* out) { return answer(out, add_ports); }
int answer_shards(const char*, const char* parameters, rte_tel_data* out) {
  return answer(out, [parameters](const Stats& stats, rte_tel_data* data) {
    if (parameters == nullptr || *parameters == '\0') return add_all_shards(stats, data);
    return add_one_shard(stats, parameters, data);
  });
}

void register_commands() {
  const auto add_command = [](const char* name, telemetry_cb callback, const char* help) {
    CHECK(rte_telemetry_register_cmd(name, callback, help) == 0);
  };
  add_command("/sluice/stats", answer_stats, "TCP counters by their RFC 4022 names, connections by state. No parameters");
  add_command("/sluice/verdicts", answer_verdicts, "Frames by verdict. No parameters");
  add_command("/sluice/ports", answer_ports, "Every port's link and frames. No parameters");
  add_command("/sluice/shards", answer_shards, "Every shard's loop; one shard's counters too. Parameters: [int shard]");
}

}  // namespace

Telemetry::Telemetry(std::function<Stats()> source) {
  static std::once_flag registered;
  std::call_once(registered, register_commands);
  const std::lock_guard lock(desk().mutex);
  CHECK(!desk().source);
  desk().source = std::move(source);
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(desk().mutex);
  desk().source = nullptr;
}

}  // namespace sluice::port
