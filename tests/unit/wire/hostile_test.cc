// SPDX-License-Identifier: BSD-3-Clause
// Frames cut off, mutated and random, each in memory of its exact size: nothing is read beyond
// (the address sanitizer's word), and what parses lies inside the frame.
#include <gtest/gtest.h>

#include "base/rng.h"
#include "frames.h"
#include "wire/icmpv6.h"

namespace sluice::wire {
namespace {

const ParseContext kVlan42{.vlan = 42};

// Reads every byte that the packet points to.
unsigned touch(const Received& r) {
  unsigned sum = r.packet.l2_src[0] + r.packet.l3[0];
  for (std::uint32_t i = 0; i < r.packet.payload_len; ++i) sum += r.packet.payload[i];
  if (r.packet.kind == PacketKind::kIcmp6) {
    const auto nd = NeighborView::parse({r.packet.payload, r.packet.payload_len});
    if (nd && nd->source_mac() != nullptr) sum += nd->source_mac()[5];
    if (nd && nd->target_mac() != nullptr) sum += nd->target_mac()[5];
  }
  return sum;
}

void expect_sane(const Received& r) {
  if (r.error != ParseError::kOk) return;
  ASSERT_TRUE(r.inside());
  ASSERT_LE(r.packet.options.n_sack, r.packet.kind <= PacketKind::kTcp6 ? kMaxSackBlocks : 255);
  volatile unsigned sink = touch(r);
  (void)sink;
}

TEST(Hostile, EveryGoldenFrameParsesWhole) {
  for (const ByteVector* frame : golden::kAll) {
    EXPECT_EQ(parse(*frame, frame == &golden::kVlan4 ? kVlan42 : ParseContext{}), ParseError::kOk);
  }
}

TEST(Hostile, EveryTruncationOfEveryFrameIsRefused) {
  for (const ByteVector* frame : golden::kAll) {
    const ParseContext context = frame == &golden::kVlan4 ? kVlan42 : ParseContext{};
    for (std::size_t n = 0; n < frame->size(); ++n) {
      for (const unsigned flags : {0U, unsigned{kRxIpCsumGood} | kRxL4CsumGood}) {
        EXPECT_NE(Received(std::span(*frame).first(n), context, flags).error, ParseError::kOk) << n;
      }
    }
  }
}

// The lengths inside shrink with the frame, so that the parsers behind the IP header meet the cut.
TEST(Hostile, EveryTruncationWithFittingLengthsStaysInside) {
  for (const ByteVector* golden_frame : golden::kAll) {
    if (golden_frame == &golden::kArp || golden_frame == &golden::kVlan4) continue;
    const bool v4 = (*golden_frame)[14] >> 4U == 4;
    for (std::size_t n = v4 ? 34 : 54; n < golden_frame->size(); ++n) {
      ByteVector frame(golden_frame->begin(), golden_frame->begin() + static_cast<std::ptrdiff_t>(n));
      put16(frame, v4 ? 16 : 18, static_cast<std::uint32_t>(n - (v4 ? 14 : 54)));
      expect_sane(Received(frame, {}, kRxIpCsumGood | kRxL4CsumGood));
    }
  }
}

TEST(Hostile, MutatedFramesStayInside) {
  Rng rng(21);
  unsigned good = 0;
  for (int round = 0; round < 200000; ++round) {
    ByteVector frame = *golden::kAll[rng.below(static_cast<std::uint32_t>(golden::kAll.size()))];
    for (std::uint32_t i = 1 + rng.below(4); i > 0; --i) {
      frame[12 + rng.below(static_cast<std::uint32_t>(frame.size()) - 12)] = static_cast<std::uint8_t>(rng.next());
    }
    if (rng.per_mille(200)) frame.resize(rng.below(static_cast<std::uint32_t>(frame.size()) + 1));
    const Received r(frame, {}, kRxIpCsumGood | kRxL4CsumGood);
    expect_sane(r);
    good += r.error == ParseError::kOk ? 1 : 0;
  }
  EXPECT_GT(good, 10000U) << "or the mutations never get past the first checks";
}

TEST(Hostile, RandomBytesStayInside) {
  Rng rng(22);
  for (int round = 0; round < 200000; ++round) {
    ByteVector frame(rng.below(120));
    for (auto& b : frame) b = static_cast<std::uint8_t>(rng.next());
    if (frame.size() > 20) {  // through the first doors
      frame[6] &= 0xfe;
      const bool v4 = rng.per_mille(500);
      put16(frame, 12, v4 ? 0x0800 : 0x86dd);
      frame[14] = v4 ? static_cast<std::uint8_t>(0x45 + rng.below(3)) : 0x60;
      put16(frame, v4 ? 16 : 18, rng.below(static_cast<std::uint32_t>(frame.size())));
      static constexpr std::uint8_t kNext[] = {0, 1, 6, 43, 44, 58, 59, 60};
      if (!v4) frame[20] = kNext[rng.below(8)];
      if (v4 && frame.size() > 23) frame[23] = rng.per_mille(800) ? 6 : 1;
    }
    expect_sane(Received(frame, {}, kRxIpCsumGood | kRxL4CsumGood));
  }
}

}  // namespace
}  // namespace sluice::wire
