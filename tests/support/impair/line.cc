// SPDX-License-Identifier: BSD-3-Clause
#include "support/impair/line.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace sluice::test {

namespace {
constexpr std::size_t kEthernet = 14;
}  // namespace

Line::Line(const Impairment& impairment, std::uint64_t seed, std::uint32_t slots, std::uint32_t slot_bytes)
    : impairment_(impairment), slot_bytes_(slot_bytes),
      room_(std::make_unique<std::uint8_t[]>(static_cast<std::size_t>(slots) * slot_bytes)) {
  Rng seeds(seed);
  lanes_.emplace_back(seed, impairment);
  while (lanes_.size() < impairment.lanes) lanes_.emplace_back(seeds.next(), impairment);
  free_.reserve(slots);
  for (std::uint32_t slot = slots; slot != 0; --slot) free_.push_back(slot - 1);
  flying_.reserve(slots);
}

bool Line::finds_neighbours(std::span<const std::uint8_t> frame) noexcept {
  if (frame.size() < kEthernet) return false;
  const unsigned type = frame[12] << 8U | frame[13];
  // Neighbour discovery, RFC 4861: ICMPv6 types 133 to 137.
  return type == 0x0806 || (type == 0x86dd && frame.size() > 54 && frame[20] == 58 && frame[54] >= 133 && frame[54] <= 137);
}

Line::Lane& Line::lane_of(std::span<const std::uint8_t> frame) noexcept {
  static constexpr std::size_t kIpv4Header = 20;
  static constexpr std::size_t kIpv6Header = 40;
  static constexpr unsigned kTcp = 6;
  if (lanes_.size() == 1 || frame.size() < kEthernet + kIpv4Header) return lanes_[0];
  const unsigned type = frame[12] << 8U | frame[13];
  const auto ip = frame.subspan(kEthernet);
  std::size_t at = 0;
  if (type == 0x0800 && ip[9] == kTcp) at = (ip[0] & 0x0fU) * 4U;
  if (type == 0x86dd && ip[6] == kTcp) at = kIpv6Header;
  if (at == 0 || ip.size() < at + 4) return lanes_[0];
  return lanes_[((ip[at] << 8U | ip[at + 1]) + (ip[at + 2] << 8U | ip[at + 3])) % lanes_.size()];
}

std::uint8_t* Line::fly(std::span<const std::uint8_t> frame, std::int64_t due_ns) {
  if (free_.empty()) {
    ++counts_.no_slot;
    return nullptr;
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  std::uint8_t* data = &room_[static_cast<std::size_t>(slot) * slot_bytes_];
  std::memcpy(data, frame.data(), frame.size());
  flying_.push_back({due_ns, order_++, slot, static_cast<std::uint32_t>(frame.size())});
  std::push_heap(flying_.begin(), flying_.end());
  return data;
}

void Line::take(std::span<const std::uint8_t> frame, std::int64_t now_ns) {
  ++counts_.in;
  if (frame.size() > slot_bytes_) {
    ++counts_.too_long;
    return;
  }
  Lane& lane = lane_of(frame);
  const std::optional<std::int64_t> leaves_ns = lane.rate.leaves_ns(frame.size(), now_ns);
  if (!leaves_ns) {
    ++counts_.overflowed;
    return;
  }
  std::int64_t due_ns = *leaves_ns + impairment_.delay_ns;
  if (finds_neighbours(frame)) {
    fly(frame, due_ns);
    return;
  }
  // A lost frame has taken its turn on the line.
  if (lane.chance(impairment_.loss_ppm)) {
    ++counts_.lost;
    return;
  }
  due_ns += lane.up_to(impairment_.jitter_ns);
  if (lane.chance(impairment_.reorder_ppm)) {
    ++counts_.reordered;
    due_ns += 1 + lane.up_to(impairment_.reorder_by_ns);
  } else {
    due_ns = lane.last_due_ns = std::max(due_ns, lane.last_due_ns);
  }
  std::uint8_t* copy = fly(frame, due_ns);
  if (frame.size() > kEthernet && lane.chance(impairment_.corrupt_ppm)) {
    ++counts_.corrupted;
    // One byte, which the Internet checksum always finds.
    const std::size_t at = kEthernet + lane.rng.below(static_cast<std::uint32_t>(frame.size() - kEthernet));
    const auto changed = static_cast<std::uint8_t>(1U + lane.rng.below(255));
    if (copy != nullptr) copy[at] ^= changed;
  }
  if (lane.chance(impairment_.duplicate_ppm)) {
    ++counts_.duplicated;
    fly(frame, due_ns + lane.up_to(impairment_.reorder_by_ns));
  }
}

std::size_t Line::arrived(std::span<Leaving> out, std::int64_t now_ns) {
  std::size_t n = 0;
  while (n < out.size() && next_ns() <= now_ns) {
    std::pop_heap(flying_.begin(), flying_.end());
    const Flying& first = flying_.back();
    out[n++] = {&room_[static_cast<std::size_t>(first.slot) * slot_bytes_], first.len, first.slot, first.due_ns};
    counts_.bytes_out += first.len;
    flying_.pop_back();
  }
  counts_.out += n;
  return n;
}

}  // namespace sluice::test
