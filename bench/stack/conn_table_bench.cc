// SPDX-License-Identifier: BSD-3-Clause
// Lookup, insertion and removal in the connection table, at sizes from what fits in the
// cache to what does not. Records are one cache line each, chosen at random, so that the
// large sizes are cold. Lookups come in bursts of 32 with the three stages of the packet
// path. `ns` and `cycles` (of the TSC) are for one operation.
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/reserve.h"
#include "base/rng.h"
#include "stack/conn_table.h"

namespace sluice::stack {
namespace {

constexpr std::uint32_t kBurst = 32;

struct alignas(64) Record {
  std::uint64_t hash;
};

struct Records {
  Record* all;

  [[nodiscard]] std::array<std::uint64_t, 4> hashes_of(const std::array<Handle, 4>& handles) const noexcept {
    const auto hash_of = [this](Handle handle) { return all[handle.index()].hash; };
    return {hash_of(handles[0]), hash_of(handles[1]), hash_of(handles[2]), hash_of(handles[3])};
  }
  void prefetch(Handle handle) const noexcept { _mm_prefetch(&all[handle.index()], _MM_HINT_T0); }
};

// A table of `count` entries; as many records more are not in it.
struct Filled {
  explicit Filled(std::uint32_t count)
      : memory(std::size_t{count} * 2 * sizeof(Record)),
        records{static_cast<Record*>(memory.data())},
        table(2 * count, records) {
    Rng rng(count);
    for (std::uint32_t i = 0; i < 2 * count; ++i) records.all[i].hash = rng.next();
    for (std::uint32_t i = 0; i < count; ++i) (void)table.insert(records.all[i].hash, Handle::make(Kind::kTcb, i));
  }

  Reservation memory;
  Records records;
  ConnTable<Records> table;
};

void report(benchmark::State& state, std::uint64_t cycles, std::uint64_t operations, const ConnTableStats& stats) {
  const double each = static_cast<double>(cycles) / static_cast<double>(operations);
  state.counters["cycles"] = each;
  state.counters["ns"] = each * 1e9 / benchmark::CPUInfo::Get().cycles_per_second;
  state.counters["bytes_per_entry"] = stats.bytes_per_entry();
}

void find_burst(benchmark::State& state, bool hit) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const auto filled = std::make_unique<Filled>(count);
  const auto& table = filled->table;
  const Record* all = filled->records.all;
  Rng rng(1);
  // What a miss looks for is no record's hash, as a stranger's SYN has none. Drawn beforehand:
  // reading it from the record would bring the record into the cache.
  std::vector<std::uint64_t> wanted(std::size_t{1} << 20U);
  for (auto& hash : wanted) hash = hit ? all[rng.below(count)].hash : rng.next();
  std::size_t at = 0;
  std::uint64_t cycles = 0;
  std::uint64_t operations = 0;
  std::uint64_t found = 0;
  for (auto _ : state) {
    const std::uint64_t* hashes = &wanted[at];
    at = (at + kBurst) % wanted.size();
    const std::uint64_t start = __rdtsc();
    for (std::uint32_t i = 0; i < kBurst; ++i) table.prefetch_bucket(hashes[i]);
    for (std::uint32_t i = 0; i < kBurst; ++i) table.prefetch_record(hashes[i]);
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      const auto is_wanted = [&](Handle handle) { return all[handle.index()].hash == hashes[i]; };
      found += static_cast<std::uint64_t>(table.find(hashes[i], is_wanted).valid());
    }
    cycles += __rdtsc() - start;
    operations += kBurst;
  }
  if (found != (hit ? operations : 0)) state.SkipWithError("lookups went wrong");
  report(state, cycles, operations, table.stats());
}
void find_hit(benchmark::State& state) { find_burst(state, true); }
void find_miss(benchmark::State& state) { find_burst(state, false); }

// From empty to `count` entries, growth included.
void insert_growing(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const auto filled = std::make_unique<Filled>(count);
  std::uint64_t cycles = 0;
  std::uint64_t operations = 0;
  ConnTableStats stats{};
  for (auto _ : state) {
    state.PauseTiming();
    auto table = std::make_unique<ConnTable<Records>>(count, filled->records);
    state.ResumeTiming();
    const std::uint64_t start = __rdtsc();
    for (std::uint32_t i = 0; i < count; ++i) {
      (void)table->insert(filled->records.all[i].hash, Handle::make(Kind::kTcb, i));
    }
    cycles += __rdtsc() - start;
    operations += count;
    state.PauseTiming();
    stats = table->stats();
    table.reset();
    state.ResumeTiming();
  }
  report(state, cycles, operations, stats);
}

// One entry out and another in, at constant size: connections that come and go. Two operations.
void erase_and_insert(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const auto filled = std::make_unique<Filled>(count);
  auto& table = filled->table;
  const Record* all = filled->records.all;
  std::uint64_t cycles = 0;
  std::uint64_t operations = 0;
  std::uint32_t out = 0;
  bool ok = true;
  for (auto _ : state) {
    const std::uint64_t start = __rdtsc();
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      table.prefetch_bucket(all[(out + i) % (2 * count)].hash);
      table.prefetch_bucket(all[(out + i + count) % (2 * count)].hash);
    }
    for (std::uint32_t i = 0; i < kBurst; ++i) {
      const std::uint32_t in = (out + count) % (2 * count);
      ok = table.erase(all[out].hash, Handle::make(Kind::kTcb, out)) && ok;
      ok = table.insert(all[in].hash, Handle::make(Kind::kTcb, in)) && ok;
      out = (out + 1) % (2 * count);
    }
    cycles += __rdtsc() - start;
    operations += 2 * kBurst;
  }
  if (!ok) state.SkipWithError("the table lost an entry");
  report(state, cycles, operations, table.stats());
}

BENCHMARK(find_hit)->RangeMultiplier(10)->Range(10'000, 10'000'000);
BENCHMARK(find_miss)->RangeMultiplier(10)->Range(10'000, 10'000'000);
BENCHMARK(insert_growing)->RangeMultiplier(10)->Range(10'000, 10'000'000);
BENCHMARK(erase_and_insert)->RangeMultiplier(10)->Range(10'000, 10'000'000);

}  // namespace
}  // namespace sluice::stack
