// SPDX-License-Identifier: BSD-3-Clause
#include "stack/conn_table.h"

namespace sluice::stack {

namespace {

// Spills for so many buckets: at the worst moment of a doubling a random hash needs two
// for five buckets (the test of bytes per entry measures it).
constexpr std::uint32_t spill_capacity(std::uint32_t buckets) noexcept { return buckets / 4 * 3 + 64; }

}  // namespace

ConnTableCore::ConnTableCore(std::uint32_t max_entries)
    : memory_((std::size_t{max_buckets(max_entries)} + 1) * sizeof(Bucket)),
      buckets_(static_cast<Bucket*>(memory_.data())),
      spills_(spill_capacity(max_buckets(max_entries))),
      max_count_(max_buckets(max_entries)) {}

std::uint32_t ConnTableCore::max_buckets(std::uint32_t max_entries) noexcept {
  return std::max(max_entries / kLoad + 1, std::uint32_t{1} << kFirstLevel);
}

std::size_t ConnTableCore::bytes_reserved(std::uint32_t max_entries) noexcept {
  const std::uint32_t buckets = max_buckets(max_entries);
  return (std::size_t{buckets} + 1) * sizeof(Bucket) + spill_capacity(buckets) * sizeof(Spill);
}

ConnTableStats ConnTableCore::stats() const noexcept {
  return {.entries = size_,
          .buckets = count_,
          .spills = spills_.used(),
          .spills_peak = spills_.high_water(),
          .splits = splits_,
          .failed_inserts = failed_inserts_,
          .bytes = count_ * sizeof(Bucket) + spills_.high_water() * sizeof(Spill)};
}

bool ConnTableCore::put(Bucket& first, std::uint8_t tag, Handle handle) noexcept {
  const auto put_in = [&](auto& line) {
    const std::uint32_t unused = line.unused();
    if (unused == 0) return false;
    const int i = std::countr_zero(unused);
    line.tags[i] = tag;
    line.handles[i] = handle.value;
    return true;
  };
  if (chain_any(first, put_in)) return true;
  const std::uint32_t index = spills_.take();
  if (index == kNoIndex) return false;
  spills_[index].spill = first.spill;
  first.spill = index + 1;
  return put_in(spills_[index]);
}

void ConnTableCore::compact(Bucket& first) noexcept {
  std::uint32_t unused = first.unused();
  for (std::uint32_t* link = &first.spill; *link != 0;) {
    Spill& spill = spills_[*link - 1];
    std::uint32_t used = spill.used();
    for (; used != 0 && unused != 0; used &= used - 1, unused &= unused - 1) {
      const int from = std::countr_zero(used);
      const int to = std::countr_zero(unused);
      first.tags[to] = spill.tags[from];
      first.handles[to] = spill.handles[from];
      spill.tags[from] = 0;
    }
    if (used != 0) {
      link = &spill.spill;
      continue;
    }
    const std::uint32_t index = *link - 1;
    *link = spill.spill;
    spills_.give(index);
  }
}

bool ConnTableCore::can_split(const Bucket& first) const noexcept {
  std::uint32_t lines = 0;
  chain_any(first, [&](const auto&) {
    ++lines;
    return false;
  });
  return lines - 1 <= spills_.capacity() - spills_.used();
}

ConnTableCore::Place ConnTableCore::place_of(std::uint64_t hash, Handle handle) noexcept {
  const std::uint8_t tag = tag_of(hash);
  Place place;
  chain_any(buckets_[bucket_of(hash)], [&](auto& line) {
    for (std::uint32_t hits = line.matches(tag); hits != 0; hits &= hits - 1) {
      const int i = std::countr_zero(hits);
      if (line.handles[i] != handle.value) continue;
      place = {&line.tags[i], &line.handles[i]};
      return true;
    }
    return false;
  });
  return place;
}

bool ConnTableCore::replace(std::uint64_t hash, Handle old, Handle fresh) noexcept {
  DCHECK(fresh.valid());
  const Place place = place_of(hash, old);
  if (place.tag == nullptr) return false;
  *place.handle = fresh.value;
  return true;
}

bool ConnTableCore::erase(std::uint64_t hash, Handle handle) noexcept {
  const Place place = place_of(hash, handle);
  if (place.tag == nullptr) return false;
  *place.tag = 0;
  --size_;
  Bucket& first = buckets_[bucket_of(hash)];
  if (first.spill != 0) compact(first);
  return true;
}

}  // namespace sluice::stack
