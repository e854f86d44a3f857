// SPDX-License-Identifier: BSD-3-Clause
// What is known of paths: by destination the MTUs that routers told of (RFC 1191, 8201) or a search found (RFC 4821, 8899),
// and the connections whose segments became smaller, with the search for their way back up. Both bounded, reserved at
// start. Shard thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/seq_num.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "sluice/config.h"
#include "sluice/time.h"
#include "tcp/flow_id.h"

namespace sluice::stack {

struct PathCounters {
  std::uint64_t lowered = 0;      // connections whose segments became smaller by an ICMP message
  std::uint64_t black_holes = 0;  // and by silence
  std::uint64_t probes = 0;       // larger segments sent to see whether they arrive
  std::uint64_t raised = 0;       // which did
};

// RFC 8201 4: a router's word is forgotten after ten minutes.
inline constexpr Duration kPathMtuLifetime = Duration::seconds(600);

// IP packet to TCP payload and options, and back.
[[nodiscard]] constexpr std::uint16_t mss_of_mtu(std::uint16_t mtu, bool v4) noexcept {
  return static_cast<std::uint16_t>(mtu - (v4 ? 40 : 60));
}
[[nodiscard]] constexpr std::uint16_t mtu_of_mss(std::uint16_t mss, bool v4) noexcept {
  return static_cast<std::uint16_t>(mss + (v4 ? 40 : 60));
}

// The MTU that an ICMPv4 message of an old router means, one that does not name it: the plateau below the packet
// that was too large (RFC 1191 7).
[[nodiscard]] std::uint16_t mtu_plateau_below(std::uint16_t total_len) noexcept;

class PathMtus {
 public:
  // `sets`, a power of two, of four destinations each.
  PathMtus(std::size_t sets, const SipKey& key) : entries_(sets * kWays), sets_(sets), key_(key) {}

  struct Known {
    std::uint16_t mtu = 0;  // bytes; 0: nothing is known
    Instant until{};
  };
  void learn(const IpAddress& to, std::uint16_t mtu, Instant now) noexcept;
  [[nodiscard]] Known find(const IpAddress& to, Instant now) const noexcept;
  // Nothing was learned for a while: no need to look.
  [[nodiscard]] bool quiet(Instant now) const noexcept { return now >= quiet_from_; }

 private:
  static constexpr std::size_t kWays = 4;
  struct Entry {
    IpAddress to;
    std::uint16_t mtu = 0;  // 0: free
    Instant expires{};
  };
  [[nodiscard]] std::size_t set_of(const IpAddress& to) const noexcept;

  std::vector<Entry> entries_;
  std::size_t sets_;
  SipKey key_;
  Instant quiet_from_{};
};

// Connections whose MSS was lowered. Each is looked at when it is due, and tries a larger segment now and then.
class MtuSearch {
 public:
  struct Record {
    tcp::FlowId flow;
    std::uint16_t generation = 0;    // of the connection
    std::uint16_t full = 0;          // MSS that it had at first
    std::uint16_t high = 0;          // the largest that is not known to be lost
    std::uint16_t probe = 0;         // MSS of the probe under way; 0: none
    std::uint8_t failures = 0;       // probes of one size in a row that were lost
    bool lost = false;               // the probe was sent again, a part of it at least
    SeqNum probe_begin, probe_end;
    Instant due{};
    std::uint32_t next = kNoIndex;
  };
  enum class Next : std::uint8_t { kKeep, kForget };

  // So many lost probes of a size prove that it does not pass (MAX_PROBES, RFC 8899 5.1.2): one may be lost as any segment.
  static constexpr std::uint8_t kProbes = 3;
  // Two sizes this near are the same.
  static constexpr std::uint16_t kNear = 32;
  // From a black hole to the first probe, between probes that found no occasion, and for a probe's answer.
  static constexpr Duration kPause = Duration::seconds(5);

  MtuSearch(std::uint32_t connections, const SipKey& key);

  // The connection goes down from `mss`; the first probe at `due`. False when there is no room: it stays small.
  bool add(const tcp::FlowId& flow, std::uint16_t generation, std::uint16_t mss, Instant due) noexcept;
  // Null: no such connection is here.
  [[nodiscard]] Record* find(const tcp::FlowId& flow, std::uint16_t generation) noexcept;
  // The connection is gone, if it was here.
  void forget(const tcp::FlowId& flow, std::uint16_t generation) noexcept;
  // Calls visit(Record&), which sets the record's next `due`, for all that are due.
  template <typename Visit>
  void on_timer(Instant now, Visit&& visit) noexcept {
    if (now < next_check_) return;
    next_check_ = Instant::never();
    for (std::uint32_t i = 0; i < slab_.high_water(); ++i) {
      Record& record = slab_[i];
      if (!in_use_[i]) continue;
      if (record.due <= now && visit(record) == Next::kForget) {
        remove(i);
        continue;
      }
      check_by(record.due);
    }
  }
  [[nodiscard]] Instant next_check() const noexcept { return next_check_; }
  [[nodiscard]] std::uint32_t used() const noexcept { return slab_.used(); }
  void clear() noexcept;

 private:
  [[nodiscard]] std::uint32_t& bucket_of(const tcp::FlowId& flow) noexcept;
  void remove(std::uint32_t index) noexcept;
  void check_by(Instant at) noexcept {
    if (at < next_check_) next_check_ = at;
  }

  SipKey key_;
  Slab<Record> slab_;
  std::vector<bool> in_use_;
  std::vector<std::uint32_t> buckets_;
  Instant next_check_ = Instant::never();
};

}  // namespace sluice::stack
