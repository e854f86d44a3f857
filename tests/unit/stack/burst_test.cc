// SPDX-License-Identifier: BSD-3-Clause
// Frames that arrive together are each judged by their own destination.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "base/frame.h"
#include "port/memory_port.h"
#include "stack/frame_builder.h"
#include "stack/stack.h"
#include "support/idle_service.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"

namespace sluice::stack {
namespace {

constexpr wire::MacAddress kOurs{0x02, 0, 0, 0, 0, 1}, kTheirs{0x02, 0, 0, 0, 0, 2};

StackConfig config() {
  StackConfig c;
  InterfaceConfig i;
  i.mac = kOurs;
  i.addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("10.0.0.2/24").value()};
  c.interfaces = {i};
  c.learn_next_hops = true;  // answers leave at once
  return c;
}

// A SYN of 10.0.0.7's.
Buf* syn_to(const IpAddress& dst, BufPool& bufs, std::uint16_t from_port = 4000) {
  InterfaceConfig theirs;
  theirs.mac = kTheirs;
  tcp::OutSegment syn;
  syn.flags = tcp::kSyn;
  tcp::FlowId flow;
  flow.remote = dst;
  flow.remote_port = 80;
  flow.local_port = from_port;
  Buf* frame = build_frame(syn, flow, tcp::IpFields{}, FrameOrigin(theirs, IpAddress::v4(10, 0, 0, 7)), 1, bufs);
  std::memcpy(frame->data, kOurs.data(), kOurs.size());
  return frame;
}

TEST(BurstTest, EachFrameGoesToItsOwnAddress) {
  port::MemoryBufSource source(1024);
  Stack stack(config(), source);
  std::array<Buf*, 6> burst{};
  const std::array last{1, 9, 2, 1, 2, 1};  // more than are parsed a call
  for (std::size_t i = 0; i < burst.size(); ++i) {
    burst[i] = syn_to(IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(last[i])), stack.bufs());
  }
  stack.receive(0, burst, Instant{} + Duration::seconds(1));
  EXPECT_EQ(stack.verdicts()[static_cast<std::size_t>(tcp::Verdict::kIpNotForUs)], 1U);
  EXPECT_EQ(stack.verdicts()[static_cast<std::size_t>(tcp::Verdict::kClosedReset)], 5U);
  TxQueue& sent = stack.tx(0);
  constexpr std::size_t kSourceLast = 14 + 15;  // of an IPv4 header behind an Ethernet one
  std::vector<int> sources;
  for (unsigned i = 0; i < sent.count; ++i) sources.push_back(sent.frames[i]->data[kSourceLast]);
  EXPECT_EQ(sources, (std::vector{1, 2, 1, 2, 1}));
  while (sent.count != 0) drop_frame(sent.frames[--sent.count], stack.bufs());
}

// The ISNs of the SYN|ACKs that answer SYNs from the ports 4000 on, `together` at a time: `to(i)` is the last byte of the i-th
// one's destination.
template <typename To>
std::map<int, std::uint32_t> isns(std::size_t count, std::size_t together, StackConfig c, To&& to) {
  port::MemoryBufSource source(1024);
  Stack stack(c, source);
  test::IdleService idle;
  stack.add_service(idle, "idle");
  EXPECT_TRUE(stack.listen(idle, {IpAddress::v4(0, 0, 0, 0), 80}, {}, 1000).ok());
  std::map<int, std::uint32_t> found;
  for (std::size_t first = 0; first < count; first += together) {
    std::vector<Buf*> burst;
    for (std::size_t i = first; i < std::min(count, first + together); ++i) {
      const IpAddress dst = IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(to(i)));
      burst.push_back(syn_to(dst, stack.bufs(), static_cast<std::uint16_t>(4000 + i)));
    }
    stack.receive(0, burst, Instant{} + Duration::seconds(1));
    TxQueue& sent = stack.tx(0);
    constexpr std::size_t kTcp = wire::kEthHeader + wire::kIpv4Header;
    while (sent.count != 0) {
      Buf* frame = sent.frames[--sent.count];
      EXPECT_EQ(frame->data[kTcp + 13], tcp::kSyn | tcp::kAck);
      found[wire::load_be16(frame->data + kTcp + 2)] = wire::load_be32(frame->data + kTcp + 4);
      drop_frame(frame, stack.bufs());
    }
  }
  EXPECT_EQ(found.size(), count);
  stack.abort_all();
  TxQueue& rest = stack.tx(0);
  while (rest.count != 0) drop_frame(rest.frames[--rest.count], stack.bufs());
  return found;
}

// Four ISNs are hashed at a time where a burst has as many SYNs to one address.
TEST(BurstTest, SynsThatArriveTogetherGetTheIsnsTheyWouldGetAlone) {
  const auto one_address = [](std::size_t) { return 1; };
  const auto two_addresses = [](std::size_t i) { return i % 3 == 0 ? 2 : 1; };
  for (const std::size_t together : {2U, 3U, 4U, 7U, 32U, 64U}) {
    EXPECT_EQ(isns(130, together, config(), one_address), isns(130, 1, config(), one_address)) << together;
    EXPECT_EQ(isns(130, together, config(), two_addresses), isns(130, 1, config(), two_addresses)) << together;
  }
  // With the cache more than half full they are not.
  StackConfig small = config();
  small.syn_cache = 200;
  EXPECT_EQ(isns(130, 32, small, one_address), isns(130, 1, config(), one_address));
}

}  // namespace
}  // namespace sluice::stack
