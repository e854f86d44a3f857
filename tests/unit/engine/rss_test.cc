// SPDX-License-Identifier: BSD-3-Clause
// What steering makes of frames with 802.1Q tags.
#include "engine/rss.h"

#include <gtest/gtest.h>

#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "engine/group.h"
#include "wire/frame.h"

namespace sluice::engine {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Class = FlowSteering::Class;

const wire::MacAddress kMac = {2, 0, 0, 0, 0, 1};

// Head and ports of a segment from 10.0.0.2:`port`.
Bytes segment(std::uint16_t port) {
  const IpAddress src = IpAddress::v4(10, 0, 0, 2);
  const IpAddress dst = IpAddress::v4(10, 0, 0, 1);
  Bytes frame(wire::l2_size(0) + wire::l3_size(true) + 20);
  wire::write_frame_head(frame.data(), {.dst_mac = kMac.data(), .src_mac = kMac.data(), .src = &src, .dst = &dst}, 20);
  wire::store_be16(&frame[34], port);
  wire::store_be16(&frame[36], 7);
  return frame;
}

Bytes with_tag(Bytes frame, unsigned tci) {
  const std::uint8_t tag[] = {0x81, 0, static_cast<std::uint8_t>(tci >> 8U), static_cast<std::uint8_t>(tci)};
  frame.insert(frame.begin() + 12, std::begin(tag), std::end(tag));
  return frame;
}

struct Steering : testing::Test {
  FlowSteering steering{make_keys(42).rss, 2};
  FlowSteering::Decision decide(const Bytes& frame) { return steering.classify(frame, std::nullopt); }
};

// 802.1Q 6.9: a tag with VLAN identifier 0 carries a priority only, on ports without VLAN too.
TEST_F(Steering, ATagChangesNothing) {
  unsigned on[2]{};
  for (std::uint16_t port = 1000; port < 1032; ++port) {
    const auto plain = decide(segment(port));
    ASSERT_EQ(plain.kind, Class::kFlow);
    ++on[plain.shard];
    for (const unsigned tci : {0x0000U, 0xe000U, 0x002aU}) {
      const auto tagged = decide(with_tag(segment(port), tci));
      EXPECT_EQ(tagged.kind, Class::kFlow) << tci;
      EXPECT_EQ(tagged.shard, plain.shard) << tci;
    }
  }
  EXPECT_GT(on[0], 0U);
  EXPECT_GT(on[1], 0U);
  Bytes arp = segment(1);
  wire::store_be16(&arp[12], 0x0806);
  EXPECT_EQ(decide(arp).kind, Class::kNeighbour);
  EXPECT_EQ(decide(with_tag(arp, 0x6000)).kind, Class::kNeighbour);
}

// Whichever shard speaks on the port answers it.
TEST_F(Steering, AListenerQueryIsForEverybody) {
  Bytes frame(14 + 40 + 8 + 24);
  wire::store_be16(&frame[12], 0x86dd);
  frame[14] = 0x60;
  wire::store_be16(&frame[18], 32);
  frame[54] = 58;  // behind a hop-by-hop header with a router alert
  frame[56] = 5;
  frame[57] = 2;
  frame[60] = 1;
  frame[62] = 130;
  EXPECT_EQ(decide(frame).kind, Class::kNeighbour);
  frame[62] = 131;
  EXPECT_EQ(decide(frame).kind, Class::kOther);
}

TEST_F(Steering, SecondTagsAndFramesThatEndEarlyAreNobodys) {
  EXPECT_EQ(decide(with_tag(with_tag(segment(1), 0), 0)).kind, Class::kOther);
  const Bytes tagged = with_tag(segment(1), 0);
  for (std::size_t n = 0; n < 18 + 20 + 4; ++n) {
    EXPECT_EQ(decide(Bytes(tagged.begin(), tagged.begin() + static_cast<std::ptrdiff_t>(n))).kind, Class::kOther) << n;
  }
}

}  // namespace
}  // namespace sluice::engine
