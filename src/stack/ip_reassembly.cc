// SPDX-License-Identifier: BSD-3-Clause
#include "stack/ip_reassembly.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "wire/ipv4.h"

namespace sluice::stack {

namespace {

constexpr std::uint8_t kSeenNotEct = 1U << 0U, kSeenCe = 1U << wire::kEcnCe;

// Bits [from, to) of one 64-bit word of a longer row, where word `word` begins.
std::uint64_t mask_in_word(std::size_t word, std::size_t from, std::size_t to) noexcept {
  const std::size_t low = std::max(from, word * 64) - word * 64;
  const std::size_t high = std::min(to, word * 64 + 64) - word * 64;
  const std::uint64_t upper = high == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << high) - 1;
  return upper & ~((std::uint64_t{1} << low) - 1);
}

// Calls visit(word, mask) for the words that hold bits [from, to); from < to.
template <typename Visit>
void for_each_word(std::size_t from, std::size_t to, Visit&& visit) noexcept {
  for (std::size_t word = from / 64; word * 64 < to; ++word) visit(word, mask_in_word(word, from, to));
}

template <typename Bits>
bool bit(const Bits& bits, std::size_t i) noexcept {
  return i / 64 < bits.size() && (bits[i / 64] >> (i % 64) & 1U) != 0;
}

template <typename Bits>
std::size_t count(const Bits& bits, std::size_t from, std::size_t to) noexcept {
  std::size_t n = 0;
  if (from < to) for_each_word(from, to, [&](std::size_t word, std::uint64_t mask) {
    n += static_cast<std::size_t>(std::popcount(bits[word] & mask));
  });
  return n;
}

// The last set bit is below this.
template <typename Bits>
std::size_t length(const Bits& bits) noexcept {
  for (std::size_t word = bits.size(); word != 0; --word) {
    if (bits[word - 1] != 0) return word * 64 - static_cast<std::size_t>(std::countl_zero(bits[word - 1]));
  }
  return 0;
}

std::size_t first_block(const wire::IpFragment& fragment) noexcept { return fragment.offset / 8; }
std::size_t end_block(const wire::IpFragment& fragment) noexcept { return (fragment.end() + 7) / 8; }

}  // namespace

Reassembly::Reassembly(std::uint32_t datagrams, const SipKey& key, BufPool& bufs)
    : bufs_(bufs), key_(key), slab_(datagrams), buckets_(std::bit_ceil(std::max(datagrams, 1U)), kNoIndex) {}

std::size_t Reassembly::bytes_needed(std::uint32_t datagrams) noexcept {
  return std::size_t{datagrams} * sizeof(Datagram) + std::bit_ceil(std::max(datagrams, 1U)) * sizeof(std::uint32_t);
}

std::uint32_t& Reassembly::bucket_of(const wire::IpFragment& fragment) noexcept {
  std::uint64_t words[5];
  std::memcpy(words, fragment.src.bytes.data(), 16);
  std::memcpy(words + 2, fragment.dst.bytes.data(), 16);
  words[4] = fragment.id;
  return buckets_[siphash<1, 3>(key_, words) & (buckets_.size() - 1)];
}

std::uint32_t Reassembly::find(const wire::IpFragment& fragment, std::uint8_t interface) noexcept {
  const std::uint8_t protocol = fragment.is_v4() ? fragment.protocol : std::uint8_t{0};
  for (std::uint32_t i = bucket_of(fragment); i != kNoIndex; i = slab_[i].next_in_bucket) {
    const Datagram& d = slab_[i];
    if (d.id == fragment.id && d.key_protocol == protocol && d.interface == interface && d.src == fragment.src &&
        d.dst == fragment.dst) {
      return i;
    }
  }
  return kNoIndex;
}

void Reassembly::evict_oldest() noexcept {
  const std::uint32_t v4 = queues_[0].oldest;
  const std::uint32_t v6 = queues_[1].oldest;
  const bool first = v6 == kNoIndex || (v4 != kNoIndex && slab_[v4].expires - kTimeoutV4 <= slab_[v6].expires - kTimeoutV6);
  ++counters_.evicted;
  remove(first ? v4 : v6);
}

std::uint32_t Reassembly::make(const wire::IpFragment& fragment, std::uint8_t interface, Instant now) noexcept {
  Buf* buf = bufs_.take();
  if (buf == nullptr) return kNoIndex;
  if (slab_.full()) evict_oldest();
  const std::uint32_t index = slab_.take();
  Datagram& d = slab_[index];
  d.src = fragment.src;
  d.dst = fragment.dst;
  d.id = fragment.id;
  d.key_protocol = fragment.is_v4() ? fragment.protocol : std::uint8_t{0};
  d.interface = interface;
  d.out.buf = buf;
  d.expires = now + (fragment.is_v4() ? kTimeoutV4 : kTimeoutV6);
  std::uint32_t& bucket = bucket_of(fragment);
  d.next_in_bucket = bucket;
  bucket = index;
  Queue& queue = queues_[fragment.is_v4() ? 0 : 1];
  d.older = queue.newest;
  (queue.newest == kNoIndex ? queue.oldest : slab_[queue.newest].newer) = index;
  queue.newest = index;
  return index;
}

void Reassembly::remove(std::uint32_t index) noexcept {
  Datagram& d = slab_[index];
  wire::IpFragment key;
  key.src = d.src;
  key.dst = d.dst;
  key.id = d.id;
  std::uint32_t* link = &bucket_of(key);
  while (*link != index) link = &slab_[*link].next_in_bucket;
  *link = d.next_in_bucket;
  Queue& queue = queues_[d.dst.is_v4() ? 0 : 1];
  (d.older == kNoIndex ? queue.oldest : slab_[d.older].newer) = d.newer;
  (d.newer == kNoIndex ? queue.newest : slab_[d.newer].older) = d.older;
  drop_buffer(d);
  slab_.give(index);
}

void Reassembly::drop_buffer(Datagram& d) noexcept {
  if (d.out.buf != nullptr) bufs_.release(d.out.buf);
  d.out.buf = nullptr;
}

void Reassembly::clear() noexcept {
  for (const Queue& queue : queues_) {
    while (queue.oldest != kNoIndex) remove(queue.oldest);
  }
}

// RFC 8200 4.5 lets exact duplicates pass: the same place, the same length, the same bytes.
bool Reassembly::is_duplicate(const Datagram& d, const wire::IpFragment& fragment) noexcept {
  const std::size_t from = first_block(fragment);
  const std::size_t to = end_block(fragment);
  if (count(d.have, from, to) != to - from || !bit(d.begins, from) || count(d.begins, from + 1, to) != 0) return false;
  if (bit(d.have, to) && !bit(d.begins, to)) return false;
  const bool was_last = d.total != 0 && (d.total + 7) / 8 == to;
  if (was_last ? fragment.more || fragment.end() != d.total : !fragment.more) return false;
  return std::memcmp(d.out.buf->data + fragment.offset, fragment.bytes.data(), fragment.bytes.size()) == 0;
}

Reassembly::Result Reassembly::insert(Datagram& d, const wire::IpFragment& fragment) noexcept {
  if (d.out.buf == nullptr) return Result::kOverlap;
  const std::uint32_t room = d.out.buf->room_len - kBufHeadroom;
  if (fragment.end() > room || fragment.end() > kMaxBytes) return Result::kTooLarge;
  if (count(d.have, first_block(fragment), end_block(fragment)) != 0) {
    return is_duplicate(d, fragment) ? Result::kDuplicate : Result::kOverlap;
  }
  if (d.total != 0 && (!fragment.more || fragment.end() > d.total)) return Result::kBad;
  if (!fragment.more) {
    if (length(d.have) > end_block(fragment)) return Result::kBad;
    d.total = fragment.end();
  }
  for_each_word(first_block(fragment), end_block(fragment), [&](std::size_t word, std::uint64_t mask) { d.have[word] |= mask; });
  d.begins[first_block(fragment) / 64] |= std::uint64_t{1} << first_block(fragment) % 64;
  std::memcpy(d.out.buf->data + fragment.offset, fragment.bytes.data(), fragment.bytes.size());
  d.received += static_cast<std::uint32_t>(fragment.bytes.size());
  d.ecn_seen = static_cast<std::uint8_t>(d.ecn_seen | 1U << (fragment.tos & wire::kEcnMask));
  if (fragment.offset == 0) {
    d.out.protocol = fragment.protocol;
    d.out.ttl = fragment.ttl;
    d.out.tos = fragment.tos;
  }
  if (d.received != d.total) return Result::kHeld;
  return finish(d) ? Result::kComplete : Result::kBad;
}

// RFC 3168 5.3: congestion seen by one fragment was seen by the datagram; not by one that cannot carry it.
bool Reassembly::finish(Datagram& d) noexcept {
  d.out.buf->len = d.total;
  if ((d.ecn_seen & kSeenCe) == 0) return true;
  d.out.tos |= wire::kEcnCe;
  return (d.ecn_seen & kSeenNotEct) == 0;
}

Reassembly::Result Reassembly::add(const wire::IpFragment& fragment, std::uint8_t interface, Instant now,
                                   Reassembled& out) noexcept {
  std::uint32_t index = find(fragment, interface);
  if (index == kNoIndex) index = make(fragment, interface, now);
  if (index == kNoIndex) return Result::kNoBuffer;
  Datagram& d = slab_[index];
  const Result result = insert(d, fragment);
  if (result == Result::kHeld || result == Result::kDuplicate) return result;
  if (result == Result::kComplete) {
    ++counters_.reassembled;
    out = d.out;
    d.out.buf = nullptr;
  }
  // An IPv4 identification soon comes again; an IPv6 one is this datagram's alone.
  if (result == Result::kOverlap && !fragment.is_v4()) {
    drop_buffer(d);
  } else {
    remove(index);
  }
  return result;
}

void Reassembly::spoil(const wire::IpFragment& fragment, std::uint8_t interface) noexcept {
  const std::uint32_t index = find(fragment, interface);
  if (index != kNoIndex) drop_buffer(slab_[index]);
}

Unfinished Reassembly::unfinished(const Datagram& d) noexcept {
  std::uint32_t blocks = 0;
  while (bit(d.have, blocks) && (blocks == 0 || !bit(d.begins, blocks))) ++blocks;
  return {.src = d.src, .dst = d.dst, .id = d.id, .first = d.out, .len = 8 * blocks, .interface = d.interface};
}

Instant Reassembly::next_check() const noexcept {
  Instant next = Instant::never();
  for (const Queue& queue : queues_) {
    if (queue.oldest != kNoIndex) next = std::min(next, slab_[queue.oldest].expires);
  }
  return next;
}

}  // namespace sluice::stack
