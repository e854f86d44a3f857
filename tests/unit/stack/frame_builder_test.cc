// SPDX-License-Identifier: BSD-3-Clause
#include "stack/frame_builder.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <vector>

#include "port/memory_port.h"
#include "wire/frame.h"
#include "wire/tcp_options.h"

namespace sluice::stack {
namespace {

constexpr std::size_t kTcp = wire::kEthHeader + wire::kIpv4Header;

// The options of a frame from 10.0.0.1 that carries `segment`.
std::vector<std::uint8_t> options_in_frame(const tcp::OutSegment& segment) {
  port::MemoryBufSource source(64);
  BufPool bufs(source);
  InterfaceConfig interface;
  const IpAddress local = IpAddress::v4(10, 0, 0, 1);
  const FrameOrigin origin(interface, local);
  tcp::FlowId flow;
  flow.remote = IpAddress::v4(10, 1, 0, 1);
  Buf* frame = build_frame(segment, flow, tcp::IpFields{}, origin, 7, bufs);
  EXPECT_NE(frame, nullptr);
  const std::size_t head = (frame->data[kTcp + 12] >> 4U) * 4U;
  const std::vector<std::uint8_t> options(frame->data + kTcp + wire::kTcpHeader, frame->data + kTcp + head);
  bufs.release(frame);
  return options;
}

TEST(FrameBuilderTest, OptionsOfAHandshakeLieAsTheWriterOfAllOptionsLaysThem) {
  for (unsigned set = 0; set < 16; ++set) {
    SCOPED_TRACE(set);
    tcp::OutSegment segment;
    segment.flags = tcp::kSyn | tcp::kAck;
    segment.options = static_cast<std::uint8_t>(set);
    segment.mss = 1460;
    segment.wscale = 7;
    segment.tsval = 0x01020304;
    segment.tsecr = 0x05060708;
    wire::TcpOptions all;
    all.has_mss = (set & tcp::kOptMss) != 0;
    all.mss = segment.mss;
    all.has_wscale = (set & tcp::kOptWscale) != 0;
    all.wscale = segment.wscale;
    all.sack_permitted = (set & tcp::kOptSackPermitted) != 0;
    all.has_ts = (set & tcp::kOptTimestamps) != 0;
    all.tsval = segment.tsval;
    all.tsecr = segment.tsecr;
    std::array<std::uint8_t, wire::kTcpOptionsMax> room{};
    const std::size_t n = wire::write_tcp_options(room.data(), all);
    EXPECT_EQ(options_in_frame(segment), std::vector<std::uint8_t>(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(n)));
  }
}

}  // namespace
}  // namespace sluice::stack
