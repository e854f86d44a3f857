// SPDX-License-Identifier: BSD-3-Clause
// What a frame costs in src/wire, in ns (Time) and TSC cycles (the `cycles` counter) a packet.
// One frame again and again, so warm; *_cold: 16384 buffers of 2 KiB walked in random order, so
// that descriptors and headers (2 MiB of cache lines) come from beyond the L2 cache.
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/rng.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/packet.h"
#include "wire/tcp.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kSlot = 2048;
const IpAddress kSrc4 = IpAddress::v4(10, 1, 2, 3);
const IpAddress kDst4 = IpAddress::v4(10, 77, 0, 1);
const IpAddress kSrc6{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
const IpAddress kDst6{{0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr MacAddress kTo{2, 0, 0, 0, 0, 1};
constexpr MacAddress kFrom{2, 0, 0, 0, 0, 2};

enum Layout { kNone, kTimestamps, kSynAll, kSack3 };
TcpOptions options_of(Layout layout) {
  TcpOptions o;
  o.has_ts = layout != kNone;
  o.tsval = 12345;
  o.tsecr = 6789;
  if (layout == kSynAll) {
    o.has_mss = o.has_wscale = o.sack_permitted = true;
    o.mss = 1460;
    o.wscale = 7;
  }
  if (layout == kSack3) {
    o.n_sack = 3;
    for (std::uint32_t i = 0; i < 3; ++i) o.sack[i] = {SeqNum(i * 3000), SeqNum(i * 3000 + 1448)};
  }
  return o;
}

// The writers of the transmit path, as a stack uses them without offloads.
std::size_t build(std::uint8_t* out, bool v4, const TcpOptions& options, std::uint8_t flags, std::size_t payload) {
  const FrameHead head{.dst_mac = kTo.data(), .src_mac = kFrom.data(), .src = v4 ? &kSrc4 : &kSrc6,
                       .dst = v4 ? &kDst4 : &kDst6, .flow_label = 0x12345};
  const std::size_t tcp_max = kTcpHeader + tcp_options_size(options) + payload;
  std::uint8_t* p = out + write_frame_head(out, head, static_cast<std::uint16_t>(tcp_max));
  const std::size_t options_len = write_tcp_options(p + kTcpHeader, options);
  const TcpHeader header{.src_port = 40000, .dst_port = 80, .seq = SeqNum(1), .ack = SeqNum(2), .flags = flags, .window = 502};
  const CsumSum header_sum = header.write(p, options_len);
  const std::size_t header_len = kTcpHeader + options_len;
  const CsumSum sum = header_sum + sum_words(p + kTcpHeader, options_len) + sum_bytes(p + header_len, payload) +
                      pseudo_sum(*head.src, *head.dst, kProtoTcp, static_cast<std::uint32_t>(tcp_max));
  store_checksum(p + kTcpChecksumOffset, sum);
  return static_cast<std::size_t>(p - out) + tcp_max;
}

class Cycles {
 public:
  explicit Cycles(benchmark::State& state) : state_(state), start_(__rdtsc()) {}
  ~Cycles() {
    const auto spent = static_cast<double>(__rdtsc() - start_);
    state_.counters["cycles"] = spent / static_cast<double>(state_.iterations());
  }
  Cycles(const Cycles&) = delete;
  Cycles& operator=(const Cycles&) = delete;

 private:
  benchmark::State& state_;
  std::uint64_t start_;
};

struct Case {
  bool v4;
  Layout layout;
  std::size_t payload;
  std::uint16_t flags = 0;  // the device's checksum results
  bool cold = false;
};

void parse_case(benchmark::State& state, const Case& c) {
  const std::size_t count = c.cold ? 16384 : 1;
  std::vector<std::uint8_t> memory(count * kSlot);
  std::vector<Buf> bufs(count);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Rng rng(1);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[rng.below(static_cast<std::uint32_t>(i))]);
  for (std::size_t i = 0; i < count; ++i) {
    Buf& buf = bufs[order[i]];
    buf = Buf{};
    buf.data = &memory[i * kSlot];
    const std::uint8_t flags = c.layout == kSynAll ? kSyn : kAck;
    buf.len = static_cast<std::uint32_t>(build(buf.data, c.v4, options_of(c.layout), flags, c.payload));
    buf.len = std::max(buf.len, 60U);
    buf.flags = c.flags;
  }
  ParseContext context;
  std::memcpy(context.mac.data(), bufs[0].data, context.mac.size());
  Packet packet{};
  std::size_t at = 0;
  std::uint64_t failed = 0;
  {
    const Cycles cycles(state);
    for (auto _ : state) {
      const bool plain = parse_plain(bufs[at], context, packet);
      failed += !plain && parse_frame(bufs[at], context, packet) != ParseError::kOk ? 1U : 0U;
      benchmark::DoNotOptimize(packet);
      if (++at == count) at = 0;
    }
  }
  if (failed != 0) state.SkipWithError("a frame did not parse");
}
constexpr std::uint16_t kBothGood = kRxIpCsumGood | kRxL4CsumGood;
BENCHMARK_CAPTURE(parse_case, v4_plain60, Case{true, kNone, 0});
BENCHMARK_CAPTURE(parse_case, v4_plain60_offload, Case{true, kNone, 0, kBothGood});
BENCHMARK_CAPTURE(parse_case, v4_ts, Case{true, kTimestamps, 0});
BENCHMARK_CAPTURE(parse_case, v4_ts_offload, Case{true, kTimestamps, 0, kBothGood});
BENCHMARK_CAPTURE(parse_case, v4_syn, Case{true, kSynAll, 0});
BENCHMARK_CAPTURE(parse_case, v4_ts_sack3, Case{true, kSack3, 0});
BENCHMARK_CAPTURE(parse_case, v4_ts_1448, Case{true, kTimestamps, 1448});
BENCHMARK_CAPTURE(parse_case, v4_ts_1448_offload, Case{true, kTimestamps, 1448, kBothGood});
BENCHMARK_CAPTURE(parse_case, v6_plain, Case{false, kNone, 0});
BENCHMARK_CAPTURE(parse_case, v6_ts, Case{false, kTimestamps, 0});
BENCHMARK_CAPTURE(parse_case, v6_ts_1428, Case{false, kTimestamps, 1428});
BENCHMARK_CAPTURE(parse_case, v4_plain60_cold, Case{true, kNone, 0, 0, true});
BENCHMARK_CAPTURE(parse_case, v6_ts_cold, Case{false, kTimestamps, 0, 0, true});

void checksum(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> bytes(n + 1);
  Rng rng(2);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(rng.next());
  const Cycles cycles(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(fold(sum_bytes(bytes.data() + 1, n)));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(n) * state.iterations());
}
BENCHMARK(checksum)->Arg(20)->Arg(40)->Arg(63)->Arg(64)->Arg(128)->Arg(536)->Arg(1460)->Arg(8960)->Arg(65535);

void copy_with_checksum(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> from(n, 0x5a);
  std::vector<std::uint8_t> to(n);
  const Cycles cycles(state);
  for (auto _ : state) {
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(copy_and_sum(to.data(), from.data(), n));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(n) * state.iterations());
}
BENCHMARK(copy_with_checksum)->Arg(64)->Arg(1460)->Arg(8960);

void build_case(benchmark::State& state, const Case& c) {
  std::vector<std::uint8_t> out(kSlot);
  const TcpOptions options = options_of(c.layout);
  const Cycles cycles(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(build(out.data(), c.v4, options, kAck, c.payload));
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(build_case, v4_plain, Case{true, kNone, 0});
BENCHMARK_CAPTURE(build_case, v4_ts, Case{true, kTimestamps, 0});
BENCHMARK_CAPTURE(build_case, v4_syn, Case{true, kSynAll, 0});
BENCHMARK_CAPTURE(build_case, v6_ts, Case{false, kTimestamps, 0});

}  // namespace
}  // namespace sluice::wire
