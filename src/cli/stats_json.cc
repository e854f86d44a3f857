// SPDX-License-Identifier: BSD-3-Clause
#include "cli/stats_json.h"

#include <utility>

namespace sluice::cli {

using Json = nlohmann::ordered_json;

namespace {

Json port_json(const PortStats& port) {
  Json slaac = Json::array();
  for (const SlaacAddress& ours : port.slaac) slaac.push_back({{"address", ours.address.to_string()}, {"deprecated", ours.deprecated}});
  return {{"name", port.name},           {"device", port.device},       {"link_up", port.link_up},
          {"rx_frames", port.rx_frames}, {"rx_bytes", port.rx_bytes},   {"tx_frames", port.tx_frames},
          {"tx_bytes", port.tx_bytes},   {"rx_missed", port.rx_missed}, {"rx_no_buffer", port.rx_no_buffer},
          {"tx_dropped", port.tx_dropped}, {"slaac", std::move(slaac)}};
}

Json shard_json(const ShardStats& shard) {
  Json counters = Json::object();
  for (const NamedCount& counter : shard.counters) counters[counter.name] = counter.value;
  return {{"index", shard.index},         {"loops", shard.loops},
          {"busy_loops", shard.busy_loops}, {"rx_frames", shard.rx_frames},
          {"tx_frames", shard.tx_frames}, {"buffers_in_use", shard.buffers_in_use},
          {"counters", std::move(counters)}};
}

}  // namespace

Json stats_json(const Stats& stats, bool explain) {
  Json out;
  const TcpStats& tcp = stats.tcp;
  out["tcp"] = {{"ActiveOpens", tcp.ActiveOpens}, {"PassiveOpens", tcp.PassiveOpens},
                {"AttemptFails", tcp.AttemptFails}, {"EstabResets", tcp.EstabResets},
                {"CurrEstab", tcp.CurrEstab},     {"InSegs", tcp.InSegs},
                {"OutSegs", tcp.OutSegs},         {"RetransSegs", tcp.RetransSegs},
                {"InErrs", tcp.InErrs},           {"OutRsts", tcp.OutRsts}};
  Json& states = out["states"] = Json::object();
  for (std::size_t i = 0; i < kStates; ++i) states[state_name(static_cast<State>(i))] = stats.states.at(i);
  Json& verdicts = out["verdicts"] = Json::object();
  for (const VerdictCount& verdict : stats.verdicts) verdicts[verdict.name] = verdict.frames;
  Json& ports = out["ports"] = Json::array();
  for (const PortStats& port : stats.ports) ports.push_back(port_json(port));
  Json& shards = out["shards"] = Json::array();
  for (const ShardStats& shard : stats.shards) shards.push_back(shard_json(shard));
  if (explain) {
    Json& texts = out["verdict_texts"] = Json::object();
    for (const VerdictCount& verdict : stats.verdicts) {
      texts[verdict.name] = {{"severity", verdict.severity}, {"text", verdict.text}};
    }
  }
  return out;
}

Json connection_json(const ConnectionReport& report) {
  const ConnectionInfo& info = report.info;
  return {{"local", info.local.to_string()},
          {"peer", info.peer.to_string()},
          {"state", state_name(info.state)},
          {"service", report.service},
          {"shard", report.shard},
          {"age_ms", info.age_ms},
          {"snd_una", info.snd_una},
          {"snd_nxt", info.snd_nxt},
          {"rcv_nxt", info.rcv_nxt},
          {"cwnd", info.cwnd},
          {"srtt_us", info.srtt_us},
          {"rto_us", info.rto_us},
          {"retransmits", info.retransmits},
          {"rx_queued", info.rx_queued},
          {"tx_queued", info.tx_queued}};
}

}  // namespace sluice::cli
