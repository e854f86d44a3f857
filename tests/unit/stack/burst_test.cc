// SPDX-License-Identifier: BSD-3-Clause
// Frames that arrive together are each judged by their own destination.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/frame.h"
#include "port/memory_port.h"
#include "stack/frame_builder.h"
#include "stack/stack.h"

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
Buf* syn_to(const IpAddress& dst, BufPool& bufs) {
  InterfaceConfig theirs;
  theirs.mac = kTheirs;
  tcp::OutSegment syn;
  syn.flags = tcp::kSyn;
  tcp::FlowId flow;
  flow.remote = dst;
  flow.remote_port = 80;
  flow.local_port = 4000;
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

}  // namespace
}  // namespace sluice::stack
