// SPDX-License-Identifier: BSD-3-Clause
// Which shard a flow belongs to: the Toeplitz hash and the indirection of a device whose
// table is filled round robin, in software (Decision 9). Immutable; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "port/toeplitz.h"
#include "sluice/config.h"
#include "tcp/flow_id.h"

namespace sluice::engine {

inline constexpr unsigned kRetaSize = 128;  // where no device decides

class FlowSteering {
 public:
  // `entries`: of the indirection table that a device with RSS has; software uses kRetaSize.
  FlowSteering(const port::RssKey& key, unsigned shards, unsigned entries = kRetaSize)
      : toeplitz_(key), shards_(shards), entries_(entries) {}

  [[nodiscard]] unsigned shards() const noexcept { return shards_; }
  [[nodiscard]] const port::RssKey& key() const noexcept { return toeplitz_.key(); }
  [[nodiscard]] unsigned shard_of_hash(std::uint32_t hash) const noexcept { return (hash % entries_) % shards_; }
  // Whether a device with so many entries spreads as this does.
  [[nodiscard]] bool spreads_as(unsigned entries) const noexcept {
    return entries == entries_ || (entries % shards_ == 0 && entries_ % shards_ == 0);
  }
  // The shard on which segments from flow.remote to us arrive; `local` is our address.
  [[nodiscard]] unsigned shard_of(const tcp::FlowId& flow, const IpAddress& local) const noexcept;

  enum class Class : std::uint8_t {
    kFlow,       // TCP, an ICMP error about it, or a fragment: one shard's
    kNeighbour,  // ARP, neighbour or listener discovery: every shard learns, one answers
    kOther,      // the shard that received it deals with it
  };
  struct Decision {
    Class kind = Class::kOther;
    unsigned shard = 0;  // with kFlow
  };
  // Looks no further than the ports; what is malformed is kOther. A tag is passed over, whatever
  // is in it: whether it is ours is the stack's to say.
  // `by_device`: the shard that the device chose, or would by its hash. It stands for plain
  // TCP; ports behind IPv6 extension headers or inside an ICMP error no device looks for.
  [[nodiscard]] Decision classify(std::span<const std::uint8_t> frame, std::optional<unsigned> by_device) const noexcept;

 private:
  using Packet = std::span<const std::uint8_t>;
  [[nodiscard]] Decision classify_v4(Packet packet, std::optional<unsigned> by_device) const noexcept;
  [[nodiscard]] Decision classify_v6(Packet packet, std::optional<unsigned> by_device) const noexcept;
  // Fragments have no ports: all of a pair of addresses go to one shard, and from there, put together, on.
  [[nodiscard]] Decision classify_fragment(std::span<const std::uint8_t> addresses) const noexcept;
  // The flow of the packet that an ICMP error quotes, which we sent.
  [[nodiscard]] Decision classify_quoted(Packet packet, bool v4) const noexcept;

  port::Toeplitz toeplitz_;
  unsigned shards_;
  unsigned entries_;
};

}  // namespace sluice::engine
