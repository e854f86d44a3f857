// SPDX-License-Identifier: BSD-3-Clause
// Reservation, Slab and BufPool: the memory of a shard.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <vector>

#include "base/buf_pool.h"
#include "base/reserve.h"
#include "base/rng.h"
#include "base/slab.h"

namespace sluice {
namespace {

TEST(Reservation, IsZeroedAlignedAndWritableToItsEnd) {
  for (const Prefault prefault : {Prefault::kNo, Prefault::kYes}) {
    Reservation memory((std::size_t{3} << 20U) + 12345, prefault);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % (std::size_t{2} << 20U), 0U);
    auto* bytes = static_cast<std::uint8_t*>(memory.data());
    EXPECT_EQ(bytes[0], 0);
    EXPECT_EQ(bytes[memory.size() - 1], 0);
    std::memset(bytes, 0xa5, memory.size());
    EXPECT_EQ(bytes[memory.size() - 1], 0xa5);
  }
}

TEST(Reservation, AddressSpaceCostsNothingAndTooMuchOfItThrows) {
  Reservation wide(std::size_t{1} << 40U);
  static_cast<std::uint8_t*>(wide.data())[wide.size() - 1] = 1;
  EXPECT_THROW(Reservation(std::size_t{1} << 50U), std::bad_alloc);
}

struct Element {
  std::uint32_t value = 77;
  std::uint32_t more = 0;
};

TEST(Slab, HandsOutEachElementOnceAndThenSaysSo) {
  Slab<Element> slab(3);
  EXPECT_EQ(slab.take(), 0U);
  EXPECT_EQ(slab.take(), 1U);
  EXPECT_EQ(slab.take(), 2U);
  EXPECT_EQ(slab.take(), kNoIndex);
  EXPECT_EQ(slab.used(), 3U);
  EXPECT_EQ(slab.index_of(slab[2]), 2U);
  slab.give(1);
  EXPECT_EQ(slab.take(), 1U);
  EXPECT_EQ(slab.take(), kNoIndex);
}

TEST(Slab, ElementsAreInitialisedEachTime) {
  Slab<Element> slab(1);
  const std::uint32_t index = slab.take();
  EXPECT_EQ(slab[index].value, 77U);
  slab[index] = {1, 2};
  slab.give(index);
  ASSERT_EQ(slab.take(), index);
  EXPECT_EQ(slab[index].value, 77U);
  EXPECT_EQ(slab[index].more, 0U);
}

TEST(Slab, AgreesWithAMapUnderRandomOperations) {
  Rng rng(1);
  constexpr std::uint32_t kCapacity = 200;
  Slab<Element> slab(kCapacity);
  std::map<std::uint32_t, std::uint32_t> model;
  std::uint32_t peak = 0;
  for (std::uint32_t op = 0; op < 50000; ++op) {
    if (rng.per_mille(op / 5000 % 2 == 0 ? 600 : 400)) {
      const std::uint32_t index = slab.take();
      ASSERT_EQ(index == kNoIndex, model.size() == kCapacity);
      if (index == kNoIndex) continue;
      ASSERT_LT(index, kCapacity);
      ASSERT_TRUE(model.emplace(index, op).second) << "given out twice";
      slab[index].value = op;
    } else if (!model.empty()) {
      auto at = model.lower_bound(rng.below(kCapacity));
      if (at == model.end()) at = model.begin();
      ASSERT_EQ(slab[at->first].value, at->second);
      slab.give(at->first);
      model.erase(at);
    }
    peak = std::max(peak, slab.used());
    ASSERT_EQ(slab.used(), model.size());
    ASSERT_EQ(slab.high_water(), peak);
  }
}

// A source with a fixed number of buffers that knows which are out.
class CountingSource final : public BufSource {
 public:
  explicit CountingSource(std::size_t count) : room_(count * kBufRoom), bufs_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      bufs_[i].room = &room_[i * kBufRoom];
      bufs_[i].room_len = kBufRoom;
      free_.push_back(&bufs_[i]);
    }
  }
  std::size_t take(std::span<Buf*> out) noexcept override {
    std::size_t n = 0;
    for (; n < out.size() && !free_.empty(); ++n) {
      out[n] = free_.back();
      free_.pop_back();
    }
    return n;
  }
  void give(std::span<Buf* const> bufs) noexcept override {
    for (Buf* buf : bufs) {
      lent_back += static_cast<std::size_t>((buf->flags & kLent) != 0);
      free_.push_back(buf);
    }
  }
  [[nodiscard]] std::size_t free() const { return free_.size(); }
  std::size_t lent_back = 0;

 private:
  std::vector<std::uint8_t> room_;
  std::vector<Buf> bufs_;
  std::vector<Buf*> free_;
};

TEST(BufPool, FreshBufferIsEmptyWithHeadroomAndOneReference) {
  CountingSource source(100);
  BufPool pool(source);
  Buf* buf = pool.take();
  ASSERT_NE(buf, nullptr);
  EXPECT_EQ(buf->refs, 1);
  EXPECT_EQ(buf->len, 0U);
  EXPECT_EQ(buf->headroom(), kBufHeadroom);
  EXPECT_EQ(buf->tailroom(), kBufRoom - kBufHeadroom);
  EXPECT_EQ(buf->flags, 0);
  EXPECT_EQ(buf->next, nullptr);
  EXPECT_EQ(pool.in_use(), 1U);
  pool.release(buf);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(BufPool, RetainedBufferStaysUntilTheLastRelease) {
  CountingSource source(1);
  BufPool pool(source);
  Buf* buf = pool.take();
  pool.retain(buf);
  pool.release(buf);
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_EQ(pool.exhausted(), 1U);
  pool.release(buf);
  EXPECT_EQ(pool.take(), buf);
  pool.release(buf);
}

TEST(BufPool, LentBufferGoesStraightBackToItsSource) {
  CountingSource source(64);
  BufPool pool(source);
  Buf* buf = pool.take();
  const std::size_t free = source.free();
  buf->flags = kLent;
  pool.release(buf);
  EXPECT_EQ(source.lent_back, 1U);
  EXPECT_EQ(source.free(), free + 1);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(BufPool, LosesNoBufferUnderRandomOperations) {
  constexpr std::size_t kCount = 1500;
  CountingSource source(kCount);
  {
    BufPool pool(source);
    Rng rng(2);
    std::vector<Buf*> held;  // once for each reference
    for (int op = 0; op < 100000; ++op) {
      const std::uint32_t bias = op / 10000 % 2 == 0 ? 600 : 400;
      if (rng.per_mille(bias)) {
        const bool all_out = pool.in_use() == kCount;
        Buf* buf = pool.take();
        ASSERT_EQ(buf == nullptr, all_out);
        if (buf == nullptr) continue;
        held.push_back(buf);
        if (rng.per_mille(200)) pool.retain(held.emplace_back(buf));
      } else if (!held.empty()) {
        std::swap(held[rng.below(static_cast<std::uint32_t>(held.size()))], held.back());
        if (rng.per_mille(100)) held.back()->flags |= kLent;
        pool.release(held.back());
        held.pop_back();
      }
    }
    Buf* head = nullptr;
    for (Buf* buf : held) {
      if (buf->refs > 1) {
        pool.release(buf);
        continue;
      }
      buf->next = head;
      head = buf;
    }
    pool.release_all(head);
    EXPECT_EQ(pool.in_use(), 0U);
  }
  EXPECT_EQ(source.free(), kCount);
}

}  // namespace
}  // namespace sluice
