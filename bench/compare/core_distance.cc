// SPDX-License-Identifier: BSD-3-Clause
// How far two cores are from each other: the time that a cache line takes from one to the other and back, in ns.
// A virtual machine's cores may share a cache at one moment and none at the next, and a link in memory is four times as
// fast with one: without this its figures cannot be compared.
//   core_distance CPU CPU
// Prints {"round_trip_ns": N}, the median of 25 samples in 0.1 s. Exit status 2 when a CPU is not to be had.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

constexpr unsigned kTrips = 5000;  // a sample
constexpr auto kPause = std::chrono::milliseconds(4);

// Odd while it lies with the echoing core.
alignas(64) std::atomic<unsigned> ball{0};
constexpr unsigned kOver = ~0U;  // odd as well

bool stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  return pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
}

void echo(int cpu) {
  if (!stay_on(cpu)) std::exit(2);
  for (unsigned last = 0;;) {
    const unsigned now = ball.load(std::memory_order_acquire);
    if (now == kOver) return;
    if (now == last || now % 2 == 0) continue;
    last = now + 1;
    ball.store(last, std::memory_order_release);
  }
}

double sample() {
  const auto begin = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < kTrips; ++i) {
    const unsigned there = ball.load(std::memory_order_relaxed) + 1;
    ball.store(there, std::memory_order_release);
    while (ball.load(std::memory_order_acquire) == there) {
    }
  }
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / kTrips;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || !stay_on(static_cast<int>(std::strtol(argv[1], nullptr, 10)))) return 2;
  std::thread other(echo, static_cast<int>(std::strtol(argv[2], nullptr, 10)));
  std::array<double, 25> samples{};
  for (double& ns : samples) {
    ns = sample();
    std::this_thread::sleep_for(kPause);
  }
  ball.store(kOver, std::memory_order_release);
  other.join();
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
  std::printf("{\"round_trip_ns\": %.0f}\n", samples[samples.size() / 2]);
  return 0;
}
