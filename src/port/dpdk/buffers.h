// SPDX-License-Identifier: BSD-3-Clause
// The packet buffers of all shards and ports: one mempool whose mbufs carry a Buf in
// their private area, and a smaller one of indirect mbufs that lend fragments to
// devices. Made after the EAL, destroyed before it and after the ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/buf_pool.h"
#include "sluice/error.h"

struct rte_mempool;

namespace sluice::port {

struct BufferLimits {
  std::size_t buffers = 8192;    // in all: queues of shards and devices, and what connections hold
  std::size_t fragments = 8192;  // that devices may be reading at one time
  std::uint16_t mtu = 1500;      // the largest of the ports', bytes
};

// Bytes of memory in a buffer for frames of `mtu`: headroom, Ethernet and 802.1Q, the
// packet, and the list of fragments at its end, so that a frame can be linearised in place.
[[nodiscard]] std::uint32_t buffer_room(std::uint16_t mtu) noexcept;

// BufSource for shards on any lcore, and on other threads (slower: no cache).
class DpdkBuffers final : public BufSource {
 public:
  // Error kNoMemory when the EAL's memory does not suffice.
  [[nodiscard]] static Result<std::unique_ptr<DpdkBuffers>> create(const BufferLimits& limits);
  // What Eal::start must be given for these limits and `port_queues` device queues.
  [[nodiscard]] static std::size_t memory_needed(const BufferLimits& limits, std::size_t port_queues) noexcept;
  ~DpdkBuffers() override;
  DpdkBuffers(const DpdkBuffers&) = delete;
  DpdkBuffers& operator=(const DpdkBuffers&) = delete;

  std::size_t take(std::span<Buf*> out) noexcept override;
  void give(std::span<Buf* const> bufs) noexcept override;

  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  [[nodiscard]] std::uint32_t room() const noexcept { return room_; }
  // The largest packet whose frame fits a buffer beside its list of fragments.
  [[nodiscard]] std::uint32_t max_mtu() const noexcept;
  // Buffers and fragments not in their pools: with shards or with devices. Control path.
  [[nodiscard]] std::size_t outstanding() const noexcept;
  [[nodiscard]] std::size_t fragments_outstanding() const noexcept;

  [[nodiscard]] rte_mempool* pool() const noexcept { return pool_; }
  [[nodiscard]] rte_mempool* fragment_pool() const noexcept { return fragment_pool_; }

 private:
  DpdkBuffers() = default;
  rte_mempool* pool_ = nullptr;
  rte_mempool* fragment_pool_ = nullptr;
  std::size_t total_ = 0;
  std::uint32_t room_ = 0;
};

}  // namespace sluice::port
