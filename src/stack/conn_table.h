// SPDX-License-Identifier: BSD-3-Clause
// The connection table: from the keyed hash of a four-tuple to the Handle of its
// record, whatever kind that record is. One a shard, used by the shard's thread only.
//
// Buckets are one cache line: 12 tags (a byte of the hash), 12 handles, a link to half
// a line more where that is not enough. A lookup reads one line of the table, and a record only where the
// tag agrees, so that a miss costs what a hit costs less the record. Linear hashing
// grows the table inside address space reserved at start by splitting one bucket at an
// insert: no rehash, no pause, no copy. It does not shrink.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/reserve.h"
#include "base/slab.h"
#include "stack/handle.h"

namespace sluice::stack {

struct ConnTableStats {
  std::uint64_t entries;
  std::uint64_t buckets;           // primary ones in use
  std::uint64_t spills;            // overflow buckets in use now
  std::uint64_t spills_peak;       // ever used, so backed by memory
  std::uint64_t splits;
  std::uint64_t failed_inserts;    // no spill was left
  std::uint64_t bytes;             // 64 * buckets + 32 * spills_peak

  [[nodiscard]] double bytes_per_entry() const noexcept {
    return entries == 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(entries);
  }
};

// What does not depend on the records: the buckets and their chains.
class ConnTableCore {
 public:
  // A position of for_each(); value-initialised it is the beginning.
  struct Cursor {
    std::uint32_t bucket = 0;
  };

  ConnTableCore(const ConnTableCore&) = delete;
  ConnTableCore& operator=(const ConnTableCore&) = delete;

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] ConnTableStats stats() const noexcept;
  // Address space that a table for `max_entries` reserves: the most memory it can use.
  [[nodiscard]] static std::size_t bytes_reserved(std::uint32_t max_entries) noexcept;

  // Lookup of a burst, stage 1: asks for the bucket's cache line. Always in line, as all that does nothing but ask: GCC 12
  // takes a prefetch for no effect, and drops calls of what has none.
  [[gnu::always_inline]] inline void prefetch_bucket(std::uint64_t hash) const noexcept {
    _mm_prefetch(&buckets_[bucket_of(hash)], _MM_HINT_T0);
  }

  // Asks for what an erase() will read beyond the bucket's line, which is there by now.
  [[gnu::always_inline]] inline void prefetch_erase(std::uint64_t hash) const noexcept {
    const Bucket& bucket = buckets_[bucket_of(hash)];
    if (bucket.spill != 0) _mm_prefetch(&spills_[bucket.spill - 1], _MM_HINT_T0);
  }

  // Stage 2: calls prefetch(Handle) for each record that stage 3, find(), may read.
  template <typename Prefetch>
  [[gnu::always_inline]] inline void prefetch_record(std::uint64_t hash, Prefetch&& prefetch) const noexcept {
    const Bucket& bucket = buckets_[bucket_of(hash)];
    std::uint32_t hits = bucket.matches(tag_of(hash));
    if (hits == 0 && bucket.spill != 0) _mm_prefetch(&spills_[bucket.spill - 1], _MM_HINT_T0);
    for (; hits != 0; hits &= hits - 1) prefetch(Handle{bucket.handles[std::countr_zero(hits)]});
  }

  // Where a handle is; until the next insert() or erase().
  struct Found {
    Handle handle;                  // kNoHandle: there is none
    std::uint32_t* place = nullptr;
  };
  // The first handle under `hash` for which match(Handle) is true, or kNoHandle.
  template <typename Match>
  [[nodiscard]] Found find_place(std::uint64_t hash, Match&& match) noexcept {
    const std::uint8_t tag = tag_of(hash);
    Found found;
    chain_any(buckets_[bucket_of(hash)], [&](auto& line) {
      for (std::uint32_t hits = line.matches(tag); hits != 0; hits &= hits - 1) {
        std::uint32_t& place = line.handles[std::countr_zero(hits)];
        if (match(Handle{place})) {
          found = {Handle{place}, &place};
          return true;
        }
      }
      return false;
    });
    return found;
  }
  template <typename Match>
  [[nodiscard]] Handle find(std::uint64_t hash, Match&& match) const noexcept {
    return const_cast<ConnTableCore*>(this)->find_place(hash, std::forward<Match>(match)).handle;  // which changes nothing
  }

  // Puts `fresh` in the place of `old`, which is under the same hash. False when it is not there.
  bool replace(std::uint64_t hash, Handle old, Handle fresh) noexcept;
  // The same for who has just found it.
  void replace(const Found& old, Handle fresh) noexcept {
    DCHECK(fresh.valid() && *old.place == old.handle.value);
    *old.place = fresh.value;
  }
  // False when it is not there.
  bool erase(std::uint64_t hash, Handle handle) noexcept;

  // Calls visit(Handle) for the entries of the next `buckets_max` buckets; false when
  // that was the end. Between the calls the table may change: an entry that is present
  // from the first call to the last is seen at least once, perhaps twice (splits move
  // entries to higher buckets only). `visit` itself must not change the table.
  template <typename Visit>
  bool for_each(Cursor& cursor, std::uint32_t buckets_max, Visit&& visit) const {
    const std::uint32_t left = count_ - cursor.bucket;
    const std::uint32_t end = cursor.bucket + std::min(buckets_max, left);
    for (; cursor.bucket < end; ++cursor.bucket) {
      chain_any(buckets_[cursor.bucket], [&](const auto& line) {
        for (std::uint32_t used = line.used(); used != 0; used &= used - 1) {
          visit(Handle{line.handles[std::countr_zero(used)]});
        }
        return false;
      });
    }
    return cursor.bucket < count_;
  }

 protected:
  // A split follows when there are more entries a bucket. With 10 an entry takes 7.2 to 7.8
  // bytes at any size above 1000 (with 8: 8.4 to 8.9), which keeps a half-open or TIME_WAIT
  // record within 64, for at most 41 spills to 100 buckets (with 8: 21).
  static constexpr std::uint32_t kLoad = 10;
  static constexpr unsigned kFirstLevel = 4;

  // One line of places; a tag of 0 marks a free one.
  template <unsigned kWidth>
  struct alignas(kWidth <= 5 ? 32 : 64) Line {
    static constexpr std::uint32_t kAll = (1U << kWidth) - 1;

    std::uint8_t tags[(kWidth + 3) / 4 * 4];
    std::uint32_t handles[kWidth];
    std::uint32_t spill;  // 1 + index of the next line of the chain; 0: none

    // Bit i is set where tag i equals `tag`.
    [[nodiscard]] std::uint32_t matches(std::uint8_t tag) const noexcept {
      const __m128i line = _mm_load_si128(reinterpret_cast<const __m128i*>(this));
      const __m128i same = _mm_cmpeq_epi8(line, _mm_set1_epi8(static_cast<char>(tag)));
      return static_cast<std::uint32_t>(_mm_movemask_epi8(same)) & kAll;
    }
    [[nodiscard]] std::uint32_t unused() const noexcept { return matches(0); }
    [[nodiscard]] std::uint32_t used() const noexcept { return matches(0) ^ kAll; }
  };
  using Bucket = Line<12>;
  using Spill = Line<5>;
  static_assert(sizeof(Bucket) == 64 && sizeof(Spill) == 32);

  struct Place {
    std::uint8_t* tag = nullptr;  // null: not there
    std::uint32_t* handle = nullptr;
  };

  explicit ConnTableCore(std::uint32_t max_entries);
  ~ConnTableCore() = default;

  [[nodiscard]] static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash >> 56U);
    return tag == 0 ? 1 : tag;
  }
  [[nodiscard]] std::uint32_t bucket_of(std::uint64_t hash) const noexcept {
    const std::uint32_t wide = static_cast<std::uint32_t>(hash) & (2 * low_ - 1);
    return wide < count_ ? wide : wide & (low_ - 1);
  }
  // Calls visit(line) for the lines of the bucket's chain until one says true; whether one did.
  template <typename Visit>
  bool chain_any(Bucket& first, Visit&& visit) noexcept {
    if (visit(first)) return true;
    for (std::uint32_t link = first.spill; link != 0; link = spills_[link - 1].spill) {
      if (visit(spills_[link - 1])) return true;
    }
    return false;
  }
  template <typename Visit>
  bool chain_any(const Bucket& first, Visit&& visit) const noexcept {
    if (visit(first)) return true;
    for (std::uint32_t link = first.spill; link != 0; link = spills_[link - 1].spill) {
      if (visit(spills_[link - 1])) return true;
    }
    return false;
  }
  [[nodiscard]] bool wants_split() const noexcept {
    return size_ > std::uint64_t{count_} * kLoad && count_ < max_count_;
  }

  [[nodiscard]] static std::uint32_t max_buckets(std::uint32_t max_entries) noexcept;
  [[nodiscard]] Place place_of(std::uint64_t hash, Handle handle) noexcept;
  // Adds to the chain that begins at `first`; false when it is full and no bucket is left.
  bool put(Bucket& first, std::uint8_t tag, Handle handle) noexcept;
  // Fills the free places of `first` from its spills, and returns those that are empty.
  void compact(Bucket& first) noexcept;
  // Whether as many spills are left as the chain of `first` has, so that a split cannot fail.
  [[nodiscard]] bool can_split(const Bucket& first) const noexcept;

  Reservation memory_;
  Bucket* buckets_;                // in memory_
  Slab<Spill> spills_;
  std::uint32_t low_ = 1U << kFirstLevel;    // buckets when the doubling under way began
  std::uint32_t count_ = 1U << kFirstLevel;  // buckets now; count_ - low_ is the next to split
  std::uint32_t max_count_;
  std::uint32_t size_ = 0;
  std::uint64_t splits_ = 0;
  std::uint64_t failed_inserts_ = 0;
};

// Records, copied into the table, reaches the shard's slabs:
//   std::array<std::uint64_t, 4> hashes_of(std::array<Handle, 4>) const
//                                         the hashes under which they were inserted
//   void prefetch(Handle) const           asks for what hashes_of() reads
template <typename Records>
class ConnTable : public ConnTableCore {
 public:
  // Reserves address space for `max_entries`; memory is used as the table grows.
  // Throws std::bad_alloc.
  ConnTable(std::uint32_t max_entries, Records records) : ConnTableCore(max_entries), records_(std::move(records)) {}

  using ConnTableCore::prefetch_record;
  [[gnu::always_inline]] inline void prefetch_record(std::uint64_t hash) const noexcept {
    prefetch_record(hash, [this](Handle handle) __attribute__((always_inline)) { records_.prefetch(handle); });
  }

  // Adds an entry; the caller knows that it is not there yet, and its record answers
  // hashes_of() already. Splits one bucket where the table is due to grow. False, and counted, when the table is full.
  bool insert(std::uint64_t hash, Handle handle) noexcept {
    DCHECK(handle.valid());
    if (!put(buckets_[bucket_of(hash)], tag_of(hash), handle)) [[unlikely]] {
      ++failed_inserts_;
      return false;
    }
    ++size_;
    if (wants_split()) split();
    return true;
  }

 private:
  void split() noexcept;
  [[gnu::always_inline]] inline void prefetch_next_split() const noexcept;

  Records records_;
};

// The next split is several inserts away: its records arrive meanwhile.
template <typename Records>
inline void ConnTable<Records>::prefetch_next_split() const noexcept {
  const Bucket& next = buckets_[count_ - low_];
  for (std::uint32_t used = next.used(); used != 0; used &= used - 1) {
    records_.prefetch(Handle{next.handles[std::countr_zero(used)]});
  }
  _mm_prefetch(&next + 1, _MM_HINT_T0);  // for the call after this one
}

// Shares the entries of bucket `from` out between itself and the new last bucket.
template <typename Records>
void ConnTable<Records>::split() noexcept {
  const std::uint32_t from = count_ - low_;
  Bucket& first = buckets_[from];
  if (!can_split(first)) [[unlikely]] return;
  Bucket& fresh = buckets_[count_];
  chain_any(first, [&](auto& line) {
    for (std::uint32_t used = line.used(); used != 0;) {
      // Four at a time; where fewer are left the last one stands in for the rest.
      std::array<int, 4> at{};
      std::array<Handle, 4> handles;
      int n = 0;
      for (int i = 0; i < 4; ++i) {
        if (used != 0) at[static_cast<std::size_t>(n++)] = std::countr_zero(used);
        used &= used - 1;
        handles[static_cast<std::size_t>(i)] = Handle{line.handles[at[static_cast<std::size_t>(n - 1)]]};
      }
      const std::array<std::uint64_t, 4> hashes = records_.hashes_of(handles);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        if ((hashes[i] & low_) == 0) continue;
        put(fresh, line.tags[at[i]], handles[i]);
        line.tags[at[i]] = 0;
      }
    }
    return false;
  });
  compact(first);
  ++splits_;
  if (++count_ == 2 * low_) low_ = count_;
  prefetch_next_split();
}

}  // namespace sluice::stack
