// SPDX-License-Identifier: BSD-3-Clause
// What a configuration needs whatever the machine: for the engine when it starts, and for whoever checks a
// configuration before. No DPDK. Any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::lib {

// How many cores DPDK's list names: "0", "0-3,6", "0@1,1@0", "(0-3)@(4-7)". 0: not a list.
[[nodiscard]] unsigned count_lcores(std::string_view list) noexcept;

// Packet buffers below which the queues, one a shard and port, leave none for connections.
[[nodiscard]] std::size_t least_buffers(unsigned shards, std::size_t ports) noexcept;

}  // namespace sluice::lib
