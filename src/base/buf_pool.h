// SPDX-License-Identifier: BSD-3-Clause
// A shard's stock of packet buffers: a plain stack in front of whoever really owns
// the memory. Taking and giving back costs a few instructions; the owner is asked
// in bulk when the stock runs empty or over. One thread, the shard's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buf.h"
#include "base/check.h"
#include "base/poison.h"

namespace sluice {

// Who really owns the buffers: the DPDK port's mempool, or plain memory in tests.
class BufSource {
 public:
  virtual ~BufSource() = default;
  // Fills `out` from the front with buffers that have refs == 0, flags == 0, no
  // fragments; returns how many there were.
  virtual std::size_t take(std::span<Buf*> out) noexcept = 0;
  // Gives buffers back. Those flagged kLent may still be read by a device.
  virtual void give(std::span<Buf* const> bufs) noexcept = 0;
};

class BufPool {
 public:
  explicit BufPool(BufSource& source) noexcept : source_(source) {}
  ~BufPool() { give_back(count_); }
  BufPool(const BufPool&) = delete;
  BufPool& operator=(const BufPool&) = delete;

  // A buffer with one reference, no data and kBufHeadroom of headroom; null when the
  // budget is used up (counted).
  [[nodiscard]] Buf* take() noexcept {
    if (count_ == 0 && !refill()) [[unlikely]] return nullptr;
    Buf* buf = stock_[--count_];
    unpoison(buf->room, buf->room_len);
    buf->next = nullptr;
    buf->data = buf->room + kBufHeadroom;
    buf->len = 0;
    buf->flags = 0;
    buf->refs = 1;
    buf->n_fragments = 0;
    ++in_use_;
    return buf;
  }

  // A buffer that arrived from a port joins the shard's account.
  void adopt(Buf* buf) noexcept {
    DCHECK(buf->refs == 1);
    (void)buf;
    ++in_use_;
  }
  // A frame that was handed to a port leaves it.
  void disown() noexcept { --in_use_; }

  void retain(Buf* buf) noexcept { ++buf->refs; }

  void release(Buf* buf) noexcept {
    DCHECK(buf->refs > 0);
    if (--buf->refs != 0) return;
    --in_use_;
    if ((buf->flags & kLent) != 0) [[unlikely]] {
      source_.give(std::span(&buf, 1));
      return;
    }
    if (count_ == stock_.size()) [[unlikely]] give_back(kBulk);
    poison(buf->room, buf->room_len);
    stock_[count_++] = buf;
  }
  // Releases a whole `next`-linked list.
  void release_all(Buf* head) noexcept {
    while (head != nullptr) {
      Buf* next = head->next;
      release(head);
      head = next;
    }
  }

  // Buffers that the shard holds: in queues, or on their way to a port.
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::uint64_t exhausted() const noexcept { return exhausted_; }
  // Beyond this many in use scarce() is true, beyond two thirds of them crowded().
  void spare_beyond(std::size_t in_use) noexcept {
    enough_ = in_use;
    crowd_ = in_use - in_use / 3;
  }
  // A sender is to queue no more than keeps its path full.
  [[nodiscard]] bool crowded() const noexcept { return in_use_ >= crowd_; }
  // For who would hold buffers for long: the rest is for what arrives, and for answers. Counted.
  [[nodiscard]] bool scarce() noexcept {
    if (in_use_ < enough_) [[likely]] return false;
    ++refused_;
    return true;
  }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  static constexpr std::size_t kBulk = 64;

  [[gnu::noinline]] bool refill() noexcept {
    count_ = source_.take(std::span(stock_.data(), kBulk));
    if (count_ == 0) ++exhausted_;
    return count_ != 0;
  }

  // The newest `n` of the stock to their source.
  [[gnu::noinline]] void give_back(std::size_t n) noexcept {
    count_ -= n;
    for (std::size_t i = count_; i < count_ + n; ++i) unpoison(stock_[i]->room, stock_[i]->room_len);
    source_.give(std::span(stock_.data() + count_, n));
  }

  BufSource& source_;
  std::size_t count_ = 0;
  std::size_t in_use_ = 0;
  std::uint64_t exhausted_ = 0;
  std::size_t enough_ = SIZE_MAX;
  std::size_t crowd_ = SIZE_MAX;
  std::uint64_t refused_ = 0;
  std::array<Buf*, 8 * kBulk> stock_{};
};

}  // namespace sluice
