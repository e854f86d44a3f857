// SPDX-License-Identifier: BSD-3-Clause
#include "lib/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/buf.h"
#include "engine/group.h"
#include "lib/needs.h"
#include "port/dpdk/buffers.h"
#include "stack/stack.h"

namespace sluice::lib {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;
// A buffer with its mbuf, its Buf and its room, about, where the MTU asks for no more room than there is anyway.
constexpr std::size_t kBytesPerBuffer = 2560;

std::size_t bytes_per_buffer(const Config& config) noexcept {
  std::uint16_t mtu = 0;
  for (const PortConfig& port : config.ports) mtu = std::max(mtu, port.mtu);
  return kBytesPerBuffer + port::buffer_room(mtu) - kBufRoom;
}

// What DPDK can be given where the records take so much of the ordinary memory.
std::size_t left_for_buffers(Hugepages mode, const port::MemoryThere& there, std::size_t records) noexcept {
  const std::size_t ordinary = there.ordinary - records;
  switch (mode) {
    case Hugepages::kOn: return there.huge;
    case Hugepages::kOff: return ordinary;
    case Hugepages::kAuto: break;
  }
  return std::max(there.huge, ordinary);
}

}  // namespace

Result<Limits> plan_limits(const Config& config, const port::MemoryThere& there) {
  Limits limits;
  limits.shards = count_lcores(config.dpdk.lcores);
  if (limits.shards == 0) {
    return Error{Errc::kInvalid, fmt::format("dpdk.lcores: \"{}\" is not a list of cores; write for example \"0\" or "
                                             "\"0-3\"", config.dpdk.lcores)};
  }
  engine::GroupOptions options;
  options.shards = limits.shards;
  stack::StackConfig shard = engine::Group::stack_config(config, options);
  limits.records_bytes = stack::Stack::bytes_needed(shard) * limits.shards;
  if (limits.records_bytes > there.ordinary) {
    return Error{Errc::kNoMemory,
                 fmt::format("tcp.max_connections: {} connections and a SYN cache of {} need {} MiB, {} MiB are "
                             "available; lower them or add memory",
                             config.tcp.max_connections, config.tcp.syn_cache, limits.records_bytes / kMiB,
                             there.ordinary / kMiB)};
  }
  const std::size_t dpdk_memory = left_for_buffers(config.dpdk.hugepages, there, limits.records_bytes);
  const std::string beside =
      dpdk_memory != there.huge ? fmt::format(" beside {} MiB for tcp.max_connections", limits.records_bytes / kMiB) : std::string();
  const std::size_t least = least_buffers(limits.shards, config.ports.size());
  const std::size_t each = bytes_per_buffer(config);
  if (config.tcp.buffers != 0) {
    limits.buffers = config.tcp.buffers;
    if (limits.buffers < least) {
      return Error{Errc::kInvalid, fmt::format("tcp.buffers: {} packet buffers are too few for {} shard(s) on {} port(s); write "
                                               "{} or more, or \"auto\"",
                                               limits.buffers, limits.shards, config.ports.size(), least)};
    }
    if (limits.buffers * each > dpdk_memory) {
      return Error{Errc::kNoMemory, fmt::format("tcp.buffers: {} packet buffers need {} MiB, DPDK can have {} MiB{}; "
                                                "lower it, or reserve more hugepages",
                                                limits.buffers, limits.buffers * each / kMiB, dpdk_memory / kMiB, beside)};
    }
  } else {
    const std::size_t wanted = least + std::clamp<std::size_t>(config.tcp.max_connections / 4, 4096, 262'144);
    limits.buffers = std::min(wanted, dpdk_memory / 2 / each);
  }
  if (limits.buffers < least) {
    return Error{Errc::kNoMemory,
                 fmt::format("tcp.buffers: {} packet buffers are too few for {} shard(s) on {} port(s), which need {} "
                             "({} MiB); DPDK can have {} MiB{}, of which \"auto\" takes half: give it more memory, or fewer "
                             "dpdk.lcores",
                             limits.buffers, limits.shards, config.ports.size(), least, least * each / kMiB,
                             dpdk_memory / kMiB, beside)};
  }
  limits.fragments = std::max<std::size_t>(least, limits.buffers / 4);
  return limits;
}

}  // namespace sluice::lib
