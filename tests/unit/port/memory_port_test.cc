// SPDX-License-Identifier: BSD-3-Clause
#include "port/memory_port.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace sluice::port {
namespace {

std::vector<std::uint8_t> frame_of(std::size_t len, std::uint8_t value) {
  return std::vector<std::uint8_t>(len, value);
}

TEST(MemoryBufSource, HandsOutItsBudgetAndNoMore) {
  MemoryBufSource source(100);
  std::array<Buf*, 128> bufs{};
  EXPECT_EQ(source.take(bufs), 100U);
  EXPECT_EQ(source.outstanding(), 100U);
  EXPECT_EQ(source.take(std::span(bufs).subspan(100)), 0U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_GE(bufs[i]->room_len, kBufRoom);
    EXPECT_EQ(bufs[i]->refs, 0);
  }
  source.give(std::span(bufs).first(100));
  EXPECT_EQ(source.outstanding(), 0U);
}

TEST(MemoryBufSourceDeathTest, EndsTheTestWhenABufferIsMissing) {
  EXPECT_DEATH(
      {
        MemoryBufSource source(1);
        Buf* buf = nullptr;
        source.take(std::span(&buf, 1));
      },
      "free_.size\\(\\) == budget_");
}

#ifdef __SANITIZE_ADDRESS__
TEST(BufPoolDeathTest, AReleasedBufferIsPoisoned) {
  MemoryBufSource source(1);
  BufPool pool(source);
  Buf* buf = pool.take();
  pool.release(buf);
  EXPECT_DEATH(buf->data[0] = 1, "use-after-poison");
}
#endif

TEST(MemoryPort, FramesArriveAtTheirInstantInOrder) {
  MemoryBufSource source(8);
  MemoryPort port(source, {.name = "m", .index = 3, .capabilities = {}});
  port.inject(frame_of(60, 2), Instant{200});
  port.inject(frame_of(61, 1), Instant{100});
  port.inject(frame_of(62, 3), Instant{200});
  EXPECT_EQ(port.next_arrival(), Instant{100});
  std::array<Buf*, 8> out{};
  EXPECT_EQ(port.receive(0, out, Instant{99}), 0U);
  ASSERT_EQ(port.receive(0, out, Instant{150}), 1U);
  EXPECT_EQ(out[0]->data[0], 1);
  EXPECT_EQ(out[0]->len, 61U);
  EXPECT_EQ(out[0]->port, 3);
  EXPECT_EQ(out[0]->refs, 1);
  EXPECT_EQ(out[0]->headroom(), kBufHeadroom);
  ASSERT_EQ(port.receive(0, std::span(out).subspan(1), Instant{200}), 2U);
  EXPECT_EQ(out[1]->data[0], 2);
  EXPECT_EQ(out[2]->data[0], 3);
  EXPECT_EQ(port.next_arrival(), Instant::never());
  EXPECT_EQ(port.stats().rx_frames, 3U);
  EXPECT_EQ(port.stats().rx_bytes, 60U + 61U + 62U);
  BufPool pool(source);
  for (Buf* buf : std::span(out).first(3)) {
    pool.adopt(buf);
    pool.release(buf);
  }
}

TEST(MemoryPort, AFrameWithoutABufferIsCountedAndLost) {
  MemoryBufSource source(1);
  MemoryPort port(source);
  port.inject(frame_of(60, 1), Instant{0});
  port.inject(frame_of(60, 2), Instant{0});
  port.inject(frame_of(kBufRoom, 2), Instant{0});
  std::array<Buf*, 4> out{};
  ASSERT_EQ(port.receive(0, out, Instant{0}), 1U);
  EXPECT_EQ(port.stats().rx_no_buffer, 1U);
  EXPECT_EQ(port.stats().rx_missed, 1U);
  out[0]->refs = 0;
  source.give(std::span(out).first(1));
}

TEST(MemoryPort, TransmitsFragmentsInOnePieceAndReleasesTheirOwners) {
  MemoryBufSource source(8);
  MemoryPort port(source);
  BufPool pool(source);
  Buf* payload = pool.take();
  std::memset(payload->data, 0xab, 1000);
  payload->len = 1000;

  Buf* frame = pool.take();
  std::memset(frame->data, 0x11, 54);
  frame->len = 54;
  frame->n_fragments = 2;
  frame->fragments()[0] = {payload, payload->data + 100, 300};
  frame->fragments()[1] = {payload, payload->data + 600, 200};
  frame->len_total = 554;
  pool.retain(payload);
  pool.retain(payload);

  ASSERT_EQ(port.transmit(0, std::span(&frame, 1), pool, Instant{7}), 1U);
  pool.disown();
  EXPECT_EQ(payload->refs, 1);
  EXPECT_EQ(pool.in_use(), 1U);
  const auto sent = port.take_sent();
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(sent->at, Instant{7});
  ASSERT_EQ(sent->bytes.size(), 554U);
  EXPECT_EQ(sent->bytes[53], 0x11);
  EXPECT_EQ(sent->bytes[54], 0xab);
  EXPECT_EQ(sent->bytes[553], 0xab);
  EXPECT_FALSE(port.take_sent().has_value());
  pool.release(payload);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(MemoryPort, LeavesWithTheCallerWhatItHasNoRoomFor) {
  MemoryBufSource source(8);
  MemoryPort port(source);
  BufPool pool(source);
  std::array<Buf*, 3> frames{pool.take(), pool.take(), pool.take()};
  for (Buf* frame : frames) frame->len = 60;
  port.set_transmit_room(2);
  EXPECT_EQ(port.transmit(0, frames, pool, Instant{0}), 2U);
  pool.disown();
  pool.disown();
  EXPECT_EQ(port.transmit(0, std::span(frames).last(1), pool, Instant{0}), 0U);
  EXPECT_EQ(pool.in_use(), 1U);
  pool.release(frames[2]);
}

// RFC 1071's own numbers: an IPv4 header whose checksum is b861, and a TCP sum over
// a known pseudo header.
TEST(MemoryPort, FillsInTheChecksumsThatAFrameLeavesToTheDevice) {
  MemoryBufSource source(8);
  MemoryPort port(source);
  BufPool pool(source);
  Buf* frame = pool.take();
  const std::array<std::uint8_t, 54> bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0,
                                              // version to protocol, checksum ffff as garbage
                                              0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xff, 0xff, 0xc0, 0xa8, 0, 1,
                                              0xc0, 0xa8, 0, 0xc7,
                                              // a TCP header of zeros but for ports 1 and 2, the field holds 0x1234
                                              0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0};
  std::memcpy(frame->data, bytes.data(), bytes.size());
  frame->len = bytes.size();
  frame->flags = kTxIpCsum | kTxTcpCsum;
  frame->l2_len = 14;
  frame->l3_len = 20;
  ASSERT_EQ(port.transmit(0, std::span(&frame, 1), pool, Instant{0}), 1U);
  pool.disown();
  const auto sent = port.take_sent();
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(sent->bytes[24], 0xb8);
  EXPECT_EQ(sent->bytes[25], 0x61);
  EXPECT_EQ((sent->bytes[50] << 8) | sent->bytes[51], 0xffff ^ (0x1234 + 3));
}

}  // namespace
}  // namespace sluice::port
