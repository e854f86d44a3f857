// SPDX-License-Identifier: BSD-3-Clause
// Datagrams put together from fragments (RFC 791, RFC 8200 4.5, RFC 5722). Everything is bounded and reserved at
// start: so many datagrams at once, one packet buffer each, 30 or 60 seconds; the oldest gives way to a new one, so
// that whoever fills the quota cannot keep others out for longer than it takes him to fill it again. Shard thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/buf_pool.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "sluice/config.h"
#include "sluice/time.h"
#include "wire/fragment.h"

namespace sluice::stack {

struct ReassemblyCounters {
  std::uint64_t reassembled = 0;  // datagrams completed
  std::uint64_t timeouts = 0;     // given up after their time
  std::uint64_t evicted = 0;      // gave way to newer ones
};

// A completed datagram: payload in `buf` with kBufHeadroom bytes before it.
struct Reassembled {
  Buf* buf = nullptr;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 0;
  std::uint8_t tos = 0;  // RFC 3168 5.3: CE if a fragment was marked
};

// A datagram given up for its age of which the first fragment is here, for an ICMP error to quote: the first `len`
// bytes at `first.buf`, which has kBufHeadroom bytes before them and stays the reassembly's.
struct Unfinished {
  IpAddress src, dst;
  std::uint32_t id = 0;
  Reassembled first;
  std::uint32_t len = 0;
  std::uint8_t interface = 0;
};

class Reassembly {
 public:
  // Payload bytes of a datagram at most, a buffer with room for them given.
  static constexpr std::size_t kMaxBytes = 10240;
  // RFC 8200 4.5; of IPv4 Linux's, shorter than RFC 1122 3.3.2 would have it, for its identifications soon come again.
  static constexpr Duration kTimeoutV6 = Duration::seconds(60);
  static constexpr Duration kTimeoutV4 = Duration::seconds(30);

  enum class Result : std::uint8_t {
    kHeld,
    kComplete,
    kDuplicate,  // exactly a fragment that is here already
    kOverlap,    // the datagram is given up, and of IPv6 also what is yet to come of it (RFC 5722)
    kBad,        // contradicts what is here (its end, ECN): given up
    kTooLarge,   // given up
    kNoBuffer,
  };

  Reassembly(std::uint32_t datagrams, const SipKey& key, BufPool& bufs);
  ~Reassembly() { clear(); }
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  // Copies the fragment's bytes; with kComplete `out` is the caller's. on_timer() first.
  [[nodiscard]] Result add(const wire::IpFragment& fragment, std::uint8_t interface, Instant now, Reassembled& out) noexcept;
  // A fragment that is no use by itself came: if others of its datagram are here, that is given up as by kOverlap.
  void spoil(const wire::IpFragment& fragment, std::uint8_t interface) noexcept;
  // Gives up what is too old. `told(const Unfinished&)` hears of each whose first fragment is here.
  template <typename Told>
  void on_timer(Instant now, Told&& told) noexcept;
  [[nodiscard]] Instant next_check() const noexcept;
  void clear() noexcept;

  // Those included that are spoilt and remembered.
  [[nodiscard]] std::uint32_t pending() const noexcept { return slab_.used(); }
  [[nodiscard]] const ReassemblyCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] static std::size_t bytes_needed(std::uint32_t datagrams) noexcept;

 private:
  static constexpr std::size_t kBlocks = kMaxBytes / 8;
  using Bits = std::array<std::uint64_t, kBlocks / 64>;

  // Without a buffer it is spoilt, until its time is over.
  struct Datagram {
    IpAddress src, dst;
    std::uint32_t id = 0;
    std::uint8_t key_protocol = 0;        // IPv4: part of the key; IPv6: 0
    std::uint8_t interface = 0;
    std::uint8_t ecn_seen = 0;            // a bit for each code point
    Reassembled out;
    std::uint32_t received = 0;           // bytes
    std::uint32_t total = 0;              // bytes; 0: the last fragment is not here
    std::uint32_t next_in_bucket = kNoIndex, older = kNoIndex, newer = kNoIndex;
    Instant expires{};
    Bits have{};                          // 8-byte blocks that are here
    Bits begins{};                        // of them, those that a fragment began with
  };
  struct Queue {
    std::uint32_t oldest = kNoIndex, newest = kNoIndex;
  };

  [[nodiscard]] std::uint32_t& bucket_of(const wire::IpFragment& fragment) noexcept;
  [[nodiscard]] std::uint32_t find(const wire::IpFragment& fragment, std::uint8_t interface) noexcept;
  [[nodiscard]] std::uint32_t make(const wire::IpFragment& fragment, std::uint8_t interface, Instant now) noexcept;
  [[nodiscard]] Result insert(Datagram& datagram, const wire::IpFragment& fragment) noexcept;
  [[nodiscard]] static bool is_duplicate(const Datagram& datagram, const wire::IpFragment& fragment) noexcept;
  [[nodiscard]] static bool finish(Datagram& datagram) noexcept;
  // `len` 0: the first fragment is not here.
  [[nodiscard]] static Unfinished unfinished(const Datagram& datagram) noexcept;
  void drop_buffer(Datagram& datagram) noexcept;
  void evict_oldest() noexcept;
  void remove(std::uint32_t index) noexcept;

  BufPool& bufs_;
  SipKey key_;
  Slab<Datagram> slab_;
  std::vector<std::uint32_t> buckets_;
  std::array<Queue, 2> queues_;           // IPv4, IPv6: one timeout each, so that the oldest is first
  ReassemblyCounters counters_;
};

template <typename Told>
void Reassembly::on_timer(Instant now, Told&& told) noexcept {
  for (const Queue& queue : queues_) {
    while (queue.oldest != kNoIndex && slab_[queue.oldest].expires <= now) {
      const Datagram& datagram = slab_[queue.oldest];
      if (datagram.out.buf != nullptr) {
        ++counters_.timeouts;
        const Unfinished left = unfinished(datagram);
        if (left.len != 0) told(left);
      }
      remove(queue.oldest);
    }
  }
}

}  // namespace sluice::stack
