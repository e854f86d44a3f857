// SPDX-License-Identifier: BSD-3-Clause
// What the established connection costs a packet, without parsing, lookup and frames.
// The argument is the working set: connections, each visited in turn in a random
// order, so that 1 is warm, and a large one finds its lines in memory.
// Reported beside the time: cycles an event, and events a second.
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "port/memory_port.h"
#include "tcp/tcp.h"

namespace sluice::tcp {
namespace {

constexpr SeqNum kIss{1000}, kIrs{5000};
constexpr std::uint32_t kMss = 1448;  // 1460 less timestamps

// Connections in ESTABLISHED with timestamps, SACK and window scaling, as Linux opens them.
class Connections {
 public:
  explicit Connections(std::size_t n)
      : source_(4096), bufs_(source_), sides_(16), congestion_(16), models_(16), maps_(16), more_sends_(2), tcbs_(n), order_(n) {
    params_.nodelay = true;
    params_.quickack = false;
    std::iota(order_.begin(), order_.end(), 0U);
    Rng rng(1);
    for (std::size_t i = n; i > 1; --i) {
      std::swap(order_[i - 1], order_[rng.below(static_cast<std::uint32_t>(i))]);
    }
    for (Tcb& tcb : tcbs_) open(tcb);
  }
  ~Connections() {
    for (Tcb& tcb : tcbs_) release(tcb, env_);
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  Tcb& next() {
    if (++at_ == order_.size()) at_ = 0;
    return tcbs_[order_[at_]];
  }
  Env& env() { return env_; }
  BufPool& bufs() { return bufs_; }
  // Time goes on: 1 us an event.
  void tick() {
    env_.set_now(env_.now + Duration::microseconds(1));
    env_.events = 0;
  }
  Segment segment(const Tcb& tcb) {
    options_.tsval = env_.now_ms();
    options_.tsecr = env_.now_ms() + tcb.ts_offset;
    Segment segment;
    segment.seq = tcb.rcv_nxt;
    segment.ack = tcb.snd_nxt;
    segment.wnd = 65535;
    segment.flags = kAck;
    segment.options = &options_;
    return segment;
  }

 private:
  void open(Tcb& tcb) {
    options_.has_ts = options_.sack_permitted = options_.has_wscale = options_.has_mss = true;
    options_.wscale = 7;
    options_.mss = 1460;
    Segment syn;
    syn.seq = kIrs;
    syn.flags = kSyn;
    syn.wnd = 65535;
    syn.options = &options_;
    HalfOpen record;
    half_open(record, FlowId{}, syn, kIss, params_);
    open_passive(tcb, record, 0, 0, env_);
    options_.clear();
    options_.has_ts = true;
    Segment ack = segment(tcb);
    on_segment(tcb, ack, env_);
    out_.clear();
  }

  port::MemoryBufSource source_;
  BufPool bufs_;
  Slab<Side> sides_;
  Slab<CongestionState> congestion_;
  Slab<BbrModel> models_;
  Slab<SendMap> maps_;
  Slab<SendMore> more_sends_;
  Outbox out_;
  Counters counters_;
  Params params_;
  std::uint16_t local_mss_ = 1460;
  Env env_{Instant{1'000'000'000}, Tick::floor(Instant{1'000'000'000}), out_, bufs_, sides_, congestion_, models_, maps_, more_sends_,
           &params_, &local_mss_,
           counters_, 0};
  std::vector<Tcb> tcbs_;
  std::vector<std::uint32_t> order_;
  std::size_t at_ = 0;
  wire::TcpOptions options_;
};

void report(benchmark::State& state, std::uint64_t cycles) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  state.counters["cycles"] = benchmark::Counter(static_cast<double>(cycles) / static_cast<double>(state.iterations()));
}

// A full segment in order arrives, is read whole, and every second one is acknowledged.
void BM_DataInAckOut(benchmark::State& state) {
  Connections connections(static_cast<std::size_t>(state.range(0)));
  Env& env = connections.env();
  const std::uint64_t begin = __rdtsc();
  for (auto _ : state) {
    connections.tick();
    Tcb& tcb = connections.next();
    Segment segment = connections.segment(tcb);
    segment.payload = connections.bufs().take();
    segment.len = segment.payload->len = kMss;
    benchmark::DoNotOptimize(on_segment(tcb, segment, env));
    connections.bufs().release(receive(tcb, SIZE_MAX, env));
    output(tcb, env);
    benchmark::DoNotOptimize(next_deadline(tcb));
    env.out.clear();
  }
  report(state, __rdtsc() - begin);
}

// A request of 100 bytes arrives and is answered by as many, which carry the acknowledgment and acknowledge
// the answer before.
void BM_RequestResponse(benchmark::State& state) {
  Connections connections(static_cast<std::size_t>(state.range(0)));
  Env& env = connections.env();
  const std::array<std::uint8_t, 100> answer{};
  const std::uint64_t begin = __rdtsc();
  for (auto _ : state) {
    connections.tick();
    Tcb& tcb = connections.next();
    Segment segment = connections.segment(tcb);
    segment.payload = connections.bufs().take();
    segment.len = segment.payload->len = 100;
    benchmark::DoNotOptimize(on_segment(tcb, segment, env));
    connections.bufs().release(receive(tcb, SIZE_MAX, env));
    send(tcb, answer, env);
    output(tcb, env);
    benchmark::DoNotOptimize(next_deadline(tcb));
    env.out.clear();
    // Little memory for many connections: the answer is acknowledged at once.
    Segment ack = connections.segment(tcb);
    benchmark::DoNotOptimize(on_segment(tcb, ack, env));
  }
  report(state, __rdtsc() - begin);
}

// A full segment is queued without a copy and sent, and its acknowledgment arrives.
void BM_SendSegment(benchmark::State& state) {
  Connections connections(static_cast<std::size_t>(state.range(0)));
  Env& env = connections.env();
  const std::uint64_t begin = __rdtsc();
  for (auto _ : state) {
    connections.tick();
    Tcb& tcb = connections.next();
    Buf* buf = connections.bufs().take();
    buf->len = kMss;
    send(tcb, buf, env);
    output(tcb, env);
    benchmark::DoNotOptimize(next_deadline(tcb));
    env.out.clear();
    Segment ack = connections.segment(tcb);
    benchmark::DoNotOptimize(on_segment(tcb, ack, env));
  }
  report(state, __rdtsc() - begin);
}

BENCHMARK(BM_DataInAckOut)->Arg(1)->Arg(1000)->Arg(1000000);
BENCHMARK(BM_RequestResponse)->Arg(1)->Arg(1000)->Arg(1000000);
BENCHMARK(BM_SendSegment)->Arg(1)->Arg(1000)->Arg(1000000);

}  // namespace
}  // namespace sluice::tcp
