// SPDX-License-Identifier: BSD-3-Clause
// What a segment ahead of a gap costs at worst: a window as full of held text as a peer can make it, and segments anywhere
// in it, in bursts of 32. Single bytes are what many holes cost, whole segments what a long stretch behind one hole does.
// Several connections take turns where what they hold shall not fit in the cache. Seeds are fixed.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "base/rng.h"
#include "bed.h"

namespace {

using namespace sluice;
using namespace sluice::bench;
using tcp::Verdict;

// MSS 1460, SACK permitted, window scale 8.
constexpr std::array<std::uint8_t, 12> kSynOptions{2, 4, 0x05, 0xb4, 4, 2, 1, 1, 3, 3, 8, 0};
constexpr std::array<char, 1460> kText{};
constexpr std::uint32_t kSmall = 256 << 10, kLarge = 16 << 20;

struct Window {
  Window(std::uint32_t rcvbuf, std::uint32_t connections, std::uint32_t step, std::uint32_t len)
      : bed(16, false, [](stack::StackConfig&) {}, 300'000, SocketOptions{.keepalive = {}, .rcvbuf = rcvbuf}) {
    teach_gateway(bed, false);
    for (std::uint32_t i = 0; i < connections; ++i) {
      Peer p = bed.peer(i);
      bed.frame(p, wire::kSyn, {}, kSynOptions);
      bed.deliver(now);
      p.seq += 1;
      bed.sent([&](const wire::Packet& answer) { p.ack = answer.seq + 1; });
      bed.frame(p, wire::kAck, {});
      bed.deliver(now);
      peers.push_back(p);
      for (std::uint32_t at = 1; at + len < rcvbuf; at += step) send(p, at, len);
      bed.deliver(now);
      bed.collect();
    }
  }
  ~Window() {
    bed.deliver(now);
    bed.collect();
  }
  void send(Peer p, std::uint32_t at, std::uint32_t len) {
    p.seq += at;
    bed.frame(p, wire::kAck, std::span(kText).first(len));
    if (++queued % kBurst != 0) return;
    bed.deliver(now);
    bed.collect();
    now = now + Duration::microseconds(10);
  }

  Bed bed;
  Rng rng{7};
  std::vector<Peer> peers;
  Instant now = Instant{} + Duration::seconds(1000);
  std::uint32_t queued = 0;
};

// Segments of `len`, every `step` bytes; then what lies there already, anywhere.
void full_window(benchmark::State& state, std::uint32_t step, std::uint32_t len) {
  const auto rcvbuf = static_cast<std::uint32_t>(state.range(0));
  const auto connections = static_cast<std::uint32_t>(state.range(1));
  Window window(rcvbuf, connections, step, len);
  const std::uint32_t places = rcvbuf / step - 1;
  window.bed.ns = 0;
  window.bed.cycles = window.bed.frames = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      const Peer& p = window.peers[window.rng.below(connections)];
      window.send(p, 1 + step * window.rng.below(places), len);
    }
  }
  const auto packets = static_cast<double>(window.bed.frames);
  state.SetItemsProcessed(static_cast<std::int64_t>(window.bed.frames));
  state.counters["ns_per_packet"] = window.bed.ns / packets;
  state.counters["cycles_per_packet"] = static_cast<double>(window.bed.cycles) / packets;
  state.counters["held"] = static_cast<double>(window.bed.stack().bufs().in_use());
  const auto refused = static_cast<std::size_t>(Verdict::kDataRefused);
  state.counters["refused"] = static_cast<double>(window.bed.stack().verdicts()[refused]);
}
void many_holes(benchmark::State& state) { full_window(state, 512, 1); }
void one_hole(benchmark::State& state) { full_window(state, 1460, 1460); }

BENCHMARK(many_holes)->Args({kSmall, 1})->Args({kSmall, 8})->Args({kLarge, 1})->Args({kLarge, 8});
BENCHMARK(one_hole)->Args({kSmall, 1})->Args({kSmall, 8})->Args({kLarge, 1})->Args({kLarge, 8});

}  // namespace
