// SPDX-License-Identifier: BSD-3-Clause
// Frames that arrive together are each judged by their own destination.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/frame.h"
#include "port/memory_port.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/tcp.h"

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

Buf* syn_to(const IpAddress& dst, port::MemoryBufSource& source) {
  Buf* buf = nullptr;
  EXPECT_EQ(source.take(std::span(&buf, 1)), 1U);
  buf->data = buf->room + kBufHeadroom;
  buf->refs = 1;
  const IpAddress src = IpAddress::v4(10, 0, 0, 7);
  wire::FrameHead head{};
  head.dst_mac = kOurs.data();
  head.src_mac = kTheirs.data();
  head.src = &src;
  head.dst = &dst;
  head.protocol = wire::kProtoTcp;
  const std::size_t n = wire::frame_head_size(head);
  std::uint8_t* tcp = buf->data + n;
  wire::TcpHeader{4000, 80, SeqNum(1), SeqNum(0), wire::kSyn, 65535, 0}.write(tcp, 0);
  wire::store_checksum(tcp + wire::kTcpChecksumOffset,
                       wire::pseudo_sum(src, dst, wire::kProtoTcp, wire::kTcpHeader) + wire::sum_bytes(tcp, wire::kTcpHeader));
  wire::write_frame_head(buf->data, head, wire::kTcpHeader);
  buf->len = static_cast<std::uint32_t>(n + wire::kTcpHeader);
  return buf;
}

TEST(BurstTest, EachFrameGoesToItsOwnAddress) {
  port::MemoryBufSource source(1024);
  Stack stack(config(), source);
  std::array<Buf*, 6> burst{};
  const std::array last{1, 9, 2, 1, 2, 1};  // more than are parsed a call
  for (std::size_t i = 0; i < burst.size(); ++i) {
    burst[i] = syn_to(IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(last[i])), source);
    stack.bufs().adopt(burst[i]);
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
