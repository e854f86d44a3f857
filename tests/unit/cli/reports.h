// SPDX-License-Identifier: BSD-3-Clause
// Statistics and connections with a different number in every field.
#pragma once

#include <string>
#include <vector>

#include "sluice/engine.h"
#include "sluice/stats.h"

namespace sluice::cli {

inline Stats sample_stats() {
  Stats stats;
  stats.tcp = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  for (std::size_t i = 0; i < kStates; ++i) stats.states.at(i) = 20 + i;
  stats.verdicts = {{"accepted", "info", "delivered to a connection", 100}, {"bad_checksum", "error", "dropped", 0}};
  PortStats port;
  port.name = "front";
  port.device = "net_tap0";
  port.link_up = true;
  port.rx_frames = 41, port.rx_bytes = 42, port.tx_frames = 43, port.tx_bytes = 44;
  port.rx_missed = 45, port.rx_no_buffer = 46, port.tx_dropped = 47;
  port.slaac = {{*IpAddress::parse("fd99::48"), false}, {*IpAddress::parse("fd99::49"), true}};
  stats.ports = {port};
  ShardStats shard;
  shard.index = 0;
  shard.loops = 1000, shard.busy_loops = 255;
  shard.rx_frames = 51, shard.tx_frames = 52, shard.buffers_in_use = 53;
  shard.counters = {{"arp_cache_full", 61}};
  stats.shards = {shard};
  return stats;
}

inline ConnectionReport sample_connection(State state = State::kEstablished, std::uint16_t peer_port = 40000,
                                          const std::string& service = "web") {
  ConnectionReport report;
  report.service = service;
  report.shard = 1;
  report.info.local = *Endpoint::parse("10.77.0.1:80");
  report.info.peer = Endpoint{*IpAddress::parse("10.77.0.2"), peer_port};
  report.info.state = state;
  report.info.snd_una = 1, report.info.snd_nxt = 2, report.info.rcv_nxt = 3;
  report.info.cwnd = 4, report.info.srtt_us = 5, report.info.rto_us = 6, report.info.retransmits = 7;
  report.info.rx_queued = 8, report.info.tx_queued = 9, report.info.age_ms = 10;
  return report;
}

}  // namespace sluice::cli
