// SPDX-License-Identifier: BSD-3-Clause
// Arming, cancelling and expiry with 1 k to 1 M timers armed; records are one cache line
// each, visited in a random order, so that the large sizes are cold. `cycles` (of the
// TSC) are for one operation.
#include <benchmark/benchmark.h>
#include <immintrin.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "stack/timer_wheel.h"

namespace sluice::stack {
namespace {

struct alignas(64) Record {
  TimerNode node;
  Tick deadline;
};

struct Records {
  Record* all;

  [[nodiscard]] TimerNode& node(Handle handle) const noexcept { return all[handle.index()].node; }
  [[nodiscard]] Tick& deadline(Handle handle) const noexcept { return all[handle.index()].deadline; }
  void prefetch(Handle handle) const noexcept { _mm_prefetch(&all[handle.index()], _MM_HINT_T0); }
};

constexpr std::uint32_t kSecond = 8000;  // ticks
constexpr std::uint32_t kBurst = 32;

// `count` timers due 1 to `ticks` ahead.
struct Armed {
  Armed(std::uint32_t count, std::uint32_t ticks)
      : records(count), wheel({records.data()}, Tick{1}), rng(count), horizon(ticks) {
    for (std::uint32_t i = 0; i < count; ++i) wheel.arm(Handle::make(Kind::kTcb, i), deadline());
  }
  Tick deadline() { return {now.value + 1 + rng.below(horizon)}; }
  Handle any() { return Handle::make(Kind::kTcb, rng.below(static_cast<std::uint32_t>(records.size()))); }

  std::vector<Record> records;
  TimerWheel<Records> wheel;
  Rng rng;
  std::uint32_t horizon;
  Tick now{1};
};

void report(benchmark::State& state, std::uint64_t cycles, std::uint64_t operations) {
  const double each = static_cast<double>(cycles) / static_cast<double>(std::max<std::uint64_t>(operations, 1));
  state.counters["cycles"] = each;
  state.counters["ns"] = each * 1e9 / benchmark::CPUInfo::Get().cycles_per_second;
}

// A burst of 32 records, prefetched as the packet path does; cancelled first or moved at once.
void arm_burst(benchmark::State& state, bool cancel_first) {
  const auto armed = std::make_unique<Armed>(static_cast<std::uint32_t>(state.range(0)), 60 * kSecond);
  std::uint64_t cycles = 0;
  std::uint64_t operations = 0;
  Handle handles[kBurst];
  Tick deadlines[kBurst];
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      handles[i] = armed->any();
      deadlines[i] = armed->deadline();
      Records{armed->records.data()}.prefetch(handles[i]);
    }
    const std::uint64_t start = __rdtsc();
    if (cancel_first) {
      for (const Handle handle : handles) armed->wheel.cancel(handle);
    }
    for (std::uint32_t i = 0; i < kBurst; ++i) armed->wheel.arm(handles[i], deadlines[i]);
    cycles += __rdtsc() - start;
    operations += kBurst;
  }
  report(state, cycles, operations);
}
void rearm(benchmark::State& state) { arm_burst(state, false); }
void cancel_and_arm(benchmark::State& state) { arm_burst(state, true); }

// Each timer that fires is armed again, up to a minute ahead with a million of them, so that
// about four fire a tick, after moving between levels on their way; the clock goes tick by
// tick, with a budget of 64. An operation is a firing with all that led to it.
void expire(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const auto armed = std::make_unique<Armed>(count, std::min(count / 2, 60 * kSecond));
  std::uint64_t cycles = 0;
  std::uint64_t worst = 0;
  for (auto _ : state) {
    ++armed->now.value;
    for (bool more = true; more;) {
      const std::uint64_t start = __rdtsc();
      more = armed->wheel.advance(armed->now, 64, [&](Handle handle) { armed->wheel.arm(handle, armed->deadline()); });
      const std::uint64_t spent = __rdtsc() - start;
      cycles += spent;
      worst = std::max(worst, spent);
    }
  }
  const TimerWheelStats stats = armed->wheel.stats();
  report(state, cycles, stats.fired);
  state.counters["moves_per_firing"] =
      static_cast<double>(stats.moved) / static_cast<double>(std::max<std::uint64_t>(stats.fired, 1));
  state.counters["cycles_per_call_max"] = static_cast<double>(worst);
  state.counters["late_max"] = stats.late_max;
}

// What every loop pays when nothing is due: a call for the tick that it has had already.
void idle_advance(benchmark::State& state) {
  const auto armed = std::make_unique<Armed>(static_cast<std::uint32_t>(state.range(0)), 3600 * kSecond);
  (void)armed->wheel.advance(armed->now, 0, [](Handle) {});
  const std::uint64_t start = __rdtsc();
  for (auto _ : state) benchmark::DoNotOptimize(armed->wheel.advance(armed->now, 64, [](Handle) {}));
  report(state, __rdtsc() - start, static_cast<std::uint64_t>(state.iterations()));
}
void next_deadline(benchmark::State& state) {
  const auto armed = std::make_unique<Armed>(static_cast<std::uint32_t>(state.range(0)), 3600 * kSecond);
  const std::uint64_t start = __rdtsc();
  for (auto _ : state) benchmark::DoNotOptimize(armed->wheel.next_deadline(armed->now));
  report(state, __rdtsc() - start, static_cast<std::uint64_t>(state.iterations()));
}

BENCHMARK(rearm)->RangeMultiplier(10)->Range(1000, 1'000'000);
BENCHMARK(cancel_and_arm)->RangeMultiplier(10)->Range(1000, 1'000'000);
BENCHMARK(expire)->RangeMultiplier(10)->Range(1000, 1'000'000);
BENCHMARK(idle_advance)->Arg(1000)->Arg(1'000'000);
BENCHMARK(next_deadline)->Arg(1000)->Arg(1'000'000);

}  // namespace
}  // namespace sluice::stack
