// SPDX-License-Identifier: BSD-3-Clause
#include "port/dpdk/launch.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <vector>

#include "base/check.h"

namespace sluice::port {

namespace {

struct Job {
  const std::function<void(unsigned)>* body = nullptr;
  unsigned index = 0;
};

int run_job(void* argument) {
  const auto* job = static_cast<const Job*>(argument);
  (*job->body)(job->index);
  return 0;
}

}  // namespace

void run_on_lcores(const std::function<void(unsigned index)>& body) {
  std::vector<Job> jobs;
  jobs.reserve(rte_lcore_count());
  Job* own = nullptr;
  unsigned lcore = 0;
  RTE_LCORE_FOREACH(lcore) {
    jobs.push_back({&body, static_cast<unsigned>(jobs.size())});
    if (lcore == rte_get_main_lcore()) {
      own = &jobs.back();
    } else {
      CHECK(rte_eal_remote_launch(run_job, &jobs.back(), lcore) == 0);
    }
  }
  if (own != nullptr) run_job(own);
  rte_eal_mp_wait_lcore();
}

TscClock::TscClock() noexcept
    : start_(rte_rdtsc()),
      ns_per_cycle_(static_cast<std::uint64_t>((1e9 * 4294967296.0) / static_cast<double>(rte_get_tsc_hz()))) {}

Instant TscClock::now() const noexcept {
  const unsigned __int128 ns = static_cast<unsigned __int128>(rte_rdtsc() - start_) * ns_per_cycle_;
  return {static_cast<std::int64_t>(ns >> 32U)};
}

}  // namespace sluice::port
