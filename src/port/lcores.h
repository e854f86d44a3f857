// SPDX-License-Identifier: BSD-3-Clause
// Which CPUs DPDK's list of cores names, and which this process may use. No DPDK. Any thread.
#pragma once

#include <sched.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::port {

// The CPUs that each item of a list may run on: "0-2" {0} {1} {2}, "0@1,1@0" {1} {0}, "(0-3)@(4-7)" {4, 5, 6, 7},
// "(0,1)" {0, 1}. Nothing: not a list.
[[nodiscard]] std::optional<std::vector<std::vector<unsigned>>> cpus_of_lcores(std::string_view list);

// The CPUs that the calling thread may run on; nothing when the kernel does not say.
[[nodiscard]] std::optional<cpu_set_t> allowed_cpus() noexcept;

// Each item of `list` has a CPU of `allowed`.
[[nodiscard]] bool can_run_on(std::string_view list, const cpu_set_t& allowed);

// What is left of `allowed` for threads beside those of `list`; all of it where nothing would be left.
[[nodiscard]] cpu_set_t cpus_beside(std::string_view list, const cpu_set_t& allowed);

// One lcore that may run on every CPU that the calling thread may: "0@(0,1,5)".
[[nodiscard]] std::string one_lcore_anywhere();

}  // namespace sluice::port
