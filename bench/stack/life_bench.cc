// SPDX-License-Identifier: BSD-3-Clause
// A whole connection's life through a stack on plain memory, no device: three frames in
// and three out (SYN, ACK+request, FIN|ACK), in bursts of 32 connections, the service closing
// first, TIME_WAIT records reaped by the wheel.
#include <benchmark/benchmark.h>

#include <vector>

#include "bed.h"

namespace {

using namespace sluice;
using namespace sluice::bench;

void connection_life(benchmark::State& state, bool v6) {
  const auto background = static_cast<std::uint32_t>(state.range(0));
  Bed bed(background + 200'000, v6);
  teach_gateway(bed, v6);
  Instant now = Instant{} + Duration::milliseconds(1);
  std::uint64_t next = 0;
  // Connections that stay open meanwhile: the working set.
  std::vector<Peer> peers;
  const auto round = [&](bool stay) {
    peers.clear();
    for (std::size_t i = 0; i < kBurst; ++i) peers.push_back(bed.peer(next++));
    for (const Peer& p : peers) bed.frame(p, wire::kSyn, {});
    bed.deliver(now);
    std::size_t k = 0;
    bed.sent([&](const wire::Packet& p) {
      peers[k].seq += 1;
      peers[k].ack = p.seq + 1;
      ++k;
    });
    if (k != kBurst) return false;
    for (const Peer& p : peers) bed.frame(p, wire::kAck, stay ? std::span<const char>{} : std::span(kRequest, sizeof(kRequest) - 1));
    bed.deliver(now);
    if (stay) return true;
    k = 0;
    bed.sent([&](const wire::Packet& p) {
      peers[k].seq += sizeof(kRequest) - 1;
      peers[k].ack = p.seq + p.seg_len();
      ++k;
    });
    if (k != kBurst) return false;
    for (const Peer& p : peers) bed.frame(p, wire::kAck | wire::kFin, {});
    bed.deliver(now);
    bed.collect();
    now = now + Duration::microseconds(40);
    return true;
  };
  for (std::uint32_t i = 0; i < background; i += kBurst) {
    if (!round(true)) return state.SkipWithError("a handshake went wrong");
  }
  bed.ns = 0;
  bed.cycles = bed.frames = 0;
  for (auto _ : state) {
    if (!round(false)) return state.SkipWithError("a connection went wrong");
  }
  const auto packets = static_cast<double>(bed.frames);
  state.SetItemsProcessed(static_cast<std::int64_t>(bed.frames / 3));
  state.counters["ns_per_packet"] = bed.ns / packets;
  state.counters["cycles_per_packet"] = static_cast<double>(bed.cycles) / packets;
  state.counters["ns_per_connection"] = 3 * bed.ns / packets;
  state.counters["time_wait"] = bed.stack().slabs().time_waits.used();
}

void Life4(benchmark::State& state) { connection_life(state, false); }
void Life6(benchmark::State& state) { connection_life(state, true); }
BENCHMARK(Life4)->Arg(0)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(Life6)->Arg(10'000);

}  // namespace
