// SPDX-License-Identifier: BSD-3-Clause
// The memory that our control group leaves us. No DPDK. Control path.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace sluice::port {

// Bytes until the nearest limit of our control group or one that it lies in, versions 1 and 2; nothing: there is no limit. What
// the page cache could give back at once counts as free. `proc` says which group is ours, `mount` is where the groups are.
[[nodiscard]] std::optional<std::size_t> cgroup_room(const std::filesystem::path& proc = "/proc/self/cgroup",
                                                     const std::filesystem::path& mount = "/sys/fs/cgroup");

}  // namespace sluice::port
