// SPDX-License-Identifier: BSD-3-Clause
// What `replay --learn-isn` keeps of a capture.
#include "cli/talks.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "wire/tcp.h"

namespace sluice::cli {
namespace {

struct TalksTest : testing::Test {
  wire::Packet packet(bool from_client, std::uint8_t flags, SeqNum seq) {
    wire::Packet out{};
    const IpAddress client = IpAddress::v4(10, 0, 0, 2);
    const IpAddress server = IpAddress::v4(10, 0, 0, 1);
    out.src = from_client ? client : server;
    out.dst = from_client ? server : client;
    out.src_port = from_client ? port : 80;
    out.dst_port = from_client ? 80 : port;
    out.flags = flags;
    out.seq = seq;
    return out;
  }
  void server_says(std::uint32_t offset, std::uint8_t byte) {
    wire::Packet text = packet(false, wire::kAck, SeqNum{1001} + offset);
    text.payload = &byte;
    text.payload_len = 1;
    talks.server_said(text, Instant{});
  }
  void open() {
    ++port;
    talks.client_said(packet(true, wire::kSyn, SeqNum{5}), Instant{});
    talks.server_said(packet(false, wire::kSyn | wire::kAck, SeqNum{1000}), Instant{});
  }
  std::uint16_t port = 1000;
  Talks talks;
};

TEST_F(TalksTest, ABytePerTalkFarBehindItsBeginningDoesNotTakeAllMemory) {
  constexpr std::uint32_t kLast = Talks::kTextMax - 1;
  constexpr std::size_t kTalks = Talks::kAllTextMax / Talks::kTextMax + 4;
  for (std::size_t i = 0; i < kTalks; ++i) {
    open();
    server_says(kLast, 'x');
    server_says(0, 'y');
  }
  std::size_t kept = 0;
  for (const Talk* talk : talks.all()) {
    kept += talk->text.size();
    EXPECT_EQ(talk->text_bytes, Talks::kTextMax) << "all is counted";
    if (!talk->text.empty()) {
      EXPECT_EQ(talk->text.front(), 'y');
      EXPECT_EQ(talk->text.back(), 'x');
    }
  }
  EXPECT_EQ(talks.all().size(), kTalks);
  EXPECT_EQ(kept, Talks::kAllTextMax);
}

}  // namespace
}  // namespace sluice::cli
