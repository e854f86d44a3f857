// SPDX-License-Identifier: BSD-3-Clause
// Statistics as a consistent snapshot: shards publish theirs once a millisecond, a
// reader gets copies. Names of TCP counters are those of RFC 4022.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/connection.h"

namespace sluice {

struct TcpStats {
  std::uint64_t ActiveOpens = 0, PassiveOpens = 0, AttemptFails = 0, EstabResets = 0, CurrEstab = 0;
  std::uint64_t InSegs = 0, OutSegs = 0, RetransSegs = 0, InErrs = 0, OutRsts = 0;
};

// A named outcome of a frame, see docs. Index is the Verdict's number.
struct VerdictCount {
  const char* name = "";
  const char* severity = "";  // "info", "drop", "error"
  const char* text = "";
  std::uint64_t frames = 0;
};

// An address that a port has by autoconfiguration.
struct SlaacAddress {
  IpAddress address;
  bool deprecated = false;
};

struct PortStats {
  std::string name, device;
  bool link_up = false;
  std::uint64_t rx_frames = 0, rx_bytes = 0, tx_frames = 0, tx_bytes = 0;
  std::uint64_t rx_missed = 0, rx_no_buffer = 0, tx_dropped = 0;
  std::vector<SlaacAddress> slaac;
};

// A named counter of a shard ("table_full", "timers_late_max_ticks"...).
struct NamedCount {
  const char* name = "";
  std::uint64_t value = 0;
};

struct ShardStats {
  unsigned index = 0;
  std::uint64_t loops = 0, busy_loops = 0;
  std::uint64_t rx_frames = 0, tx_frames = 0;
  std::uint64_t buffers_in_use = 0;
  std::vector<NamedCount> counters;
};

struct Stats {
  TcpStats tcp;
  std::array<std::uint64_t, kStates> states{};
  std::vector<VerdictCount> verdicts;
  std::vector<PortStats> ports;
  std::vector<ShardStats> shards;
};

// One connection as `sluice conns` reports it.
struct ConnectionReport {
  ConnectionInfo info;
  std::string service;
  unsigned shard = 0;
};

}  // namespace sluice
