// SPDX-License-Identifier: BSD-3-Clause
#include "stack/path_mtu.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice::stack {

std::uint16_t mtu_plateau_below(std::uint16_t total_len) noexcept {
  for (const std::uint16_t plateau : {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296}) {
    if (plateau < total_len) return plateau;
  }
  return 68;
}

std::size_t PathMtus::set_of(const IpAddress& to) const noexcept {
  std::uint64_t words[2];
  std::memcpy(words, to.bytes.data(), sizeof(words));
  return (siphash<1, 3>(key_, words) & (sets_ - 1)) * kWays;
}

void PathMtus::learn(const IpAddress& to, std::uint16_t mtu, Instant now) noexcept {
  Entry* set = &entries_[set_of(to)];
  Entry* place = set;
  for (std::size_t i = 0; i < kWays; ++i) {
    if (set[i].mtu != 0 && set[i].to == to) {
      place = &set[i];
      break;
    }
    if (set[i].expires < place->expires) place = &set[i];
  }
  *place = {to, mtu, now + kPathMtuLifetime};
  quiet_from_ = now + kPathMtuLifetime;
}

PathMtus::Known PathMtus::find(const IpAddress& to, Instant now) const noexcept {
  const Entry* set = &entries_[set_of(to)];
  for (std::size_t i = 0; i < kWays; ++i) {
    if (set[i].mtu != 0 && set[i].to == to) return set[i].expires > now ? Known{set[i].mtu, set[i].expires} : Known{};
  }
  return {};
}

MtuSearch::MtuSearch(std::uint32_t connections, const SipKey& key)
    : key_(key), slab_(connections), in_use_(connections), buckets_(std::bit_ceil(std::max(connections, 1U)), kNoIndex) {}

std::uint32_t& MtuSearch::bucket_of(const tcp::FlowId& flow) noexcept {
  std::uint64_t words[3] = {};
  std::memcpy(words, &flow, sizeof(flow));
  return buckets_[siphash<1, 3>(key_, words) & (buckets_.size() - 1)];
}

bool MtuSearch::add(const tcp::FlowId& flow, std::uint16_t generation, std::uint16_t mss, Instant due) noexcept {
  std::uint32_t& bucket = bucket_of(flow);
  std::uint32_t index = bucket;
  while (index != kNoIndex && !(slab_[index].flow == flow)) index = slab_[index].next;
  if (index == kNoIndex) {
    index = slab_.take();
    if (index == kNoIndex) return false;
    slab_[index].next = bucket;
    bucket = index;
    in_use_[index] = true;
  }
  Record& record = slab_[index];
  if (record.generation != generation) {
    record.flow = flow;
    record.generation = generation;
    record.full = mss;
  }
  record.high = record.full;
  record.probe = 0;
  record.failures = 0;
  record.due = due;
  check_by(due);
  return true;
}

MtuSearch::Record* MtuSearch::find(const tcp::FlowId& flow, std::uint16_t generation) noexcept {
  for (std::uint32_t i = bucket_of(flow); i != kNoIndex; i = slab_[i].next) {
    if (slab_[i].flow == flow) return slab_[i].generation == generation ? &slab_[i] : nullptr;
  }
  return nullptr;
}

void MtuSearch::forget(const tcp::FlowId& flow, std::uint16_t generation) noexcept {
  if (const Record* record = find(flow, generation)) remove(slab_.index_of(*record));
}

void MtuSearch::remove(std::uint32_t index) noexcept {
  std::uint32_t* link = &bucket_of(slab_[index].flow);
  while (*link != index) link = &slab_[*link].next;
  *link = slab_[index].next;
  in_use_[index] = false;
  slab_.give(index);
}

void MtuSearch::clear() noexcept {
  for (std::uint32_t i = 0; i < slab_.high_water(); ++i) {
    if (in_use_[i]) remove(i);
  }
  next_check_ = Instant::never();
}

}  // namespace sluice::stack
