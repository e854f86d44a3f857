// SPDX-License-Identifier: BSD-3-Clause
// What a packet costs at the port, and the figures behind docs/adr/0001-buffers.md.
// Bursts of 32 on one core, without hugepages. Frames sent go into a net_ring, which
// passes on the mbufs, and are freed at its other end: what a device's driver does
// with them, whose DMA reads no payload through the core.
// `warm`: 64 payload buffers, in the cache; `cold`: 16384 of them, at random.
// `ns` and `cycles` (of the TSC's rate) are for one packet, of this thread's CPU time
// alone: the machine may be shared.
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "port/dpdk/buffers.h"
#include "port/dpdk/eal.h"
#include "port/dpdk/ethdev_port.h"
#include "port/dpdk/mbuf.h"
#include "port/toeplitz.h"

namespace sluice::port {
namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kWarm = 64;
constexpr std::size_t kCold = 16384;
constexpr std::uint32_t kHeaders = 54;

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << result.error().message << '\n';
    std::_Exit(1);
  }
  return std::move(result).value();
}

struct Lab {
  static constexpr BufferLimits kLimits = {.buffers = kCold + 8192, .fragments = 4096};
  std::unique_ptr<Eal> eal;
  std::unique_ptr<DpdkBuffers> buffers;

  Lab() {
    DpdkConfig config;
    config.instance = "sluice-bench-" + std::to_string(::getpid());
    config.hugepages = Hugepages::kOff;
    eal = must(Eal::start(config, DpdkBuffers::memory_needed(kLimits, 8), {}));
    buffers = must(DpdkBuffers::create(kLimits));
  }
  std::unique_ptr<DpdkPort> open(const char* device, std::uint32_t copy_break = kCopyBreak) {
    PortConfig config;
    config.name = "bench";
    config.device = device;
    return must(DpdkPort::create(config, {.copy_break = copy_break}, *buffers));
  }
};

Lab& lab() {
  static Lab instance;
  return instance;
}

// CPU time from here to the end of its life, for one packet.
class Cycles {
 public:
  explicit Cycles(benchmark::State& state) : state_(state), start_(cpu_ns()) {}
  ~Cycles() {
    const double packets = static_cast<double>(state_.iterations()) * kBurst;
    const double ns = (cpu_ns() - start_) / packets;
    state_.counters["ns"] = ns;
    state_.counters["cycles"] = ns * static_cast<double>(rte_get_tsc_hz()) / 1e9;
  }
  Cycles(const Cycles&) = delete;
  Cycles& operator=(const Cycles&) = delete;

 private:
  static double cpu_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  }
  benchmark::State& state_;
  double start_;
};

// The far end of net_ring0 as a driver: what was sent is freed.
class Completion {
 public:
  Completion() { rte_eth_dev_get_port_by_name("net_ring0", &id_); }
  void run() const noexcept {
    std::array<rte_mbuf*, kBurst> sent{};
    const std::uint16_t n = rte_eth_rx_burst(id_, 0, sent.data(), kBurst);
    rte_pktmbuf_free_bulk(sent.data(), n);
  }

 private:
  std::uint16_t id_ = 0;
};

// Payload buffers as a send queue holds them, in an order that no prefetcher guesses.
class Payloads {
 public:
  Payloads(BufPool& pool, std::size_t count) : pool_(pool), all_(count) {
    for (Buf*& buf : all_) {
      buf = pool.take();
      std::memset(buf->data, 1, 1460);
      buf->len = 1460;
    }
    Rng rng(1);
    for (std::size_t i = count; i > 1; --i) std::swap(all_[i - 1], all_[rng.below(static_cast<std::uint32_t>(i))]);
  }
  ~Payloads() {
    for (Buf* buf : all_) pool_.release(buf);
  }
  Payloads(const Payloads&) = delete;
  Payloads& operator=(const Payloads&) = delete;
  Buf* next() noexcept {
    at_ = at_ + 1 == all_.size() ? 0 : at_ + 1;
    return all_[at_];
  }

 private:
  BufPool& pool_;
  std::vector<Buf*> all_;
  std::size_t at_ = 0;
};

// A frame of headers and `payload` bytes of a buffer that stays queued: (a) copied
// behind the headers, (b) attached as an indirect mbuf.
void send(benchmark::State& state, bool copy, std::size_t working_set) {
  const auto bytes = static_cast<std::uint32_t>(state.range(0));
  const auto port = lab().open("net_ring0", copy ? UINT32_MAX : 0);
  const Completion completion;
  BufPool pool(*lab().buffers);
  Payloads payloads(pool, working_set);
  std::array<Buf*, kBurst> burst{};
  const Cycles cycles(state);
  for (auto _ : state) {
    for (Buf*& frame : burst) {
      frame = pool.take();
      std::memset(frame->data, 0, kHeaders);
      frame->len = kHeaders;
      frame->len_total = kHeaders + bytes;
      if (bytes != 0) {
        Buf* payload = payloads.next();
        pool.retain(payload);
        frame->fragments()[0] = {payload, payload->data, bytes};
        frame->n_fragments = 1;
      }
    }
    if (port->transmit(0, burst, pool, Instant{}) != kBurst) std::abort();
    for (std::size_t i = 0; i < kBurst; ++i) pool.disown();
    completion.run();
  }
}
void send_headers_only(benchmark::State& state) { send(state, false, kWarm); }
void send_copied_warm(benchmark::State& state) { send(state, true, kWarm); }
void send_copied_cold(benchmark::State& state) { send(state, true, kCold); }
void send_attached_warm(benchmark::State& state) { send(state, false, kWarm); }
void send_attached_cold(benchmark::State& state) { send(state, false, kCold); }
BENCHMARK(send_headers_only)->Arg(0);
#define PAYLOADS ->Arg(64)->Arg(128)->Arg(256)->Arg(512)->Arg(1024)->Arg(1460)
BENCHMARK(send_copied_warm) PAYLOADS;
BENCHMARK(send_attached_warm) PAYLOADS;
BENCHMARK(send_copied_cold) PAYLOADS;
BENCHMARK(send_attached_cold) PAYLOADS;

// The two ways for a protocol to hold a received buffer without knowing whose it is.
// (c) An interface per owner, called for every packet.
class Owner {
 public:
  virtual ~Owner() = default;
  virtual void retain(void* object) noexcept = 0;
  virtual void release(void* object) noexcept = 0;
};

class MbufOwner final : public Owner {
 public:
  void retain(void* object) noexcept override { rte_mbuf_refcnt_update(static_cast<rte_mbuf*>(object), 1); }
  void release(void* object) noexcept override { rte_pktmbuf_free_seg(static_cast<rte_mbuf*>(object)); }
};

// One packet's life above the port: received, held once more (queued for the
// application), let go twice.
void hold_through_virtual_calls(benchmark::State& state) {
  const auto owner = std::make_unique<MbufOwner>();
  Owner* calls = owner.get();
  benchmark::DoNotOptimize(calls);  // its type is not known to the compiler
  std::array<rte_mbuf*, kBurst> burst{};
  const Cycles cycles(state);
  for (auto _ : state) {
    if (rte_pktmbuf_alloc_bulk(lab().buffers->pool(), burst.data(), kBurst) != 0) std::abort();
    for (rte_mbuf* mbuf : burst) calls->retain(mbuf);
    for (rte_mbuf* mbuf : burst) calls->release(mbuf);
    for (rte_mbuf* mbuf : burst) calls->release(mbuf);
  }
}
BENCHMARK(hold_through_virtual_calls);

// (d) The count in the Buf, the pool's stock in front of the mempool.
void hold_through_buf_header(benchmark::State& state) {
  BufPool pool(*lab().buffers);
  std::array<rte_mbuf*, kBurst> burst{};
  const Cycles cycles(state);
  for (auto _ : state) {
    if (rte_pktmbuf_alloc_bulk(lab().buffers->pool(), burst.data(), kBurst) != 0) std::abort();
    for (rte_mbuf* mbuf : burst) {
      Buf* buf = to_buf(mbuf);
      buf->refs = 1;
      buf->flags = 0;
      pool.adopt(buf);
      pool.retain(buf);
    }
    for (rte_mbuf* mbuf : burst) pool.release(to_buf(mbuf));
    for (rte_mbuf* mbuf : burst) pool.release(to_buf(mbuf));
  }
}
BENCHMARK(hold_through_buf_header);

// Frames come in and go out again as they are.
void forward(benchmark::State& state, const char* device) {
  const auto port = lab().open(device);
  BufPool pool(*lab().buffers);
  std::array<Buf*, kBurst> burst{};
  for (Buf*& frame : burst) {  // what net_ring hands round; net_null makes its own
    frame = pool.take();
    frame->len = 60;
  }
  for (std::size_t sent = port->transmit(0, burst, pool, Instant{}); sent > 0; --sent) pool.disown();
  {
    const Cycles cycles(state);
    for (auto _ : state) {
      const std::size_t n = port->receive(0, burst, Instant{});
      for (std::size_t i = 0; i < n; ++i) pool.adopt(burst[i]);
      if (n != kBurst || port->transmit(0, burst, pool, Instant{}) != n) std::abort();
      for (std::size_t i = 0; i < n; ++i) pool.disown();
    }
  }
  if (std::strcmp(device, "net_ring0") == 0) {
    for (std::size_t n = port->receive(0, burst, Instant{}); n > 0; --n) {
      pool.adopt(burst[n - 1]);
      pool.release(burst[n - 1]);
    }
  }
}
void forward_over_ring(benchmark::State& state) { forward(state, "net_ring0"); }
void forward_over_null(benchmark::State& state) { forward(state, "net_null0,size=1500"); }
BENCHMARK(forward_over_ring);
BENCHMARK(forward_over_null);

// Payload that comes in goes out under headers of its own, as an echo's.
void reframe(benchmark::State& state) {
  const auto source = lab().open("net_null0,size=1500");
  const auto sink = lab().open("net_ring0");
  const Completion completion;
  BufPool pool(*lab().buffers);
  std::array<Buf*, kBurst> in{};
  std::array<Buf*, kBurst> out{};
  const Cycles cycles(state);
  for (auto _ : state) {
    const std::size_t n = source->receive(0, in, Instant{});
    for (std::size_t i = 0; i < n; ++i) {
      pool.adopt(in[i]);
      Buf* frame = pool.take();
      std::memset(frame->data, 0, kHeaders);
      frame->len = kHeaders;
      frame->fragments()[0] = {in[i], in[i]->data + kHeaders, in[i]->len - kHeaders};  // its reference moves
      frame->n_fragments = 1;
      frame->len_total = in[i]->len;
      out[i] = frame;
    }
    if (n != kBurst || sink->transmit(0, out, pool, Instant{}) != n) std::abort();
    for (std::size_t i = 0; i < n; ++i) pool.disown();
    completion.run();
  }
}
BENCHMARK(reframe);

void hash_tuple(benchmark::State& state) {
  const Toeplitz toeplitz(make_rss_key(1, 2));
  std::array<std::uint8_t, Toeplitz::kTuple6> tuple{};
  const auto tuple_bytes = static_cast<std::size_t>(state.range(0));
  std::uint32_t sum = 0;
  const Cycles cycles(state);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      tuple[0] = static_cast<std::uint8_t>(i);
      tuple[5] = static_cast<std::uint8_t>(sum);
      sum += toeplitz.hash(std::span(tuple).first(tuple_bytes));
    }
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(hash_tuple)->Arg(Toeplitz::kTuple4)->Arg(Toeplitz::kTuple6);

}  // namespace
}  // namespace sluice::port
