// SPDX-License-Identifier: BSD-3-Clause
// What opens the window where the path reorders: reports as they come, each byte once,
// whatever the peer makes of them. Segments are 1000 bytes.
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

constexpr Offer kSack{.sack = true, .mss = 1000};

// Where nothing was seen to be reordered yet, what lies behind a hole may be behind a loss.
TEST(ReportGrowth, ReportsBehindAHoleDoNotOpenTheWindow) {
  Sender s;
  s.establish(65535, kSack);
  s.write(40'000);
  s.ack(0, {{1000, 3000}});
  EXPECT_EQ(s.tcb.cwnd, 10'000U);
}

// A path of 100 ms that has reordered; nothing is outstanding, up to 2000 all is acknowledged.
void reorders(Sender& s, std::uint32_t wnd = 65535) {
  s.establish(wnd, kSack, Duration::milliseconds(100));
  s.write(2000);
  s.pass(Duration::milliseconds(100));
  s.ack(0, {{1000, 2000}});
  s.ack(2000);
  ASSERT_EQ(s.tcb.reordered, 1U);
  s.tcb.cwnd = 10'000;
}

// So many bytes go out, as far as the window lets them, and a round trip passes.
void send_and_wait(Sender& s, std::uint32_t bytes = 60'000) {
  s.write(bytes);
  s.pass(Duration::milliseconds(100));
}

// Where the path is known to reorder they do, as acknowledgments would, and count once.
TEST(ReportGrowth, OnAPathThatReordersReportsOpenTheWindow) {
  Sender s;
  reorders(s);
  send_and_wait(s);
  s.ack(2000, {{3000, 12'000}});
  EXPECT_EQ(s.tcb.cwnd, 19'000U);
  s.ack(12'000);
  EXPECT_EQ(s.tcb.cwnd, 20'000U);
}

// In congestion avoidance a segment for all that is outstanding, however finely it is reported.
TEST(ReportGrowth, OnAPathThatReordersDividedReportsGainNothing) {
  Sender s;
  reorders(s);
  s.tcb.ssthresh = 2000;
  send_and_wait(s);
  const std::uint32_t una = 7 + 512 * 5;  // where the units of what is counted begin, whatever their size
  s.ack(una);
  ASSERT_EQ((s.tcb.snd_una.value()) % 512, 0U);
  const std::uint32_t cwnd = s.tcb.cwnd;
  s.pass(Duration::milliseconds(90));
  for (std::uint32_t right = una + 1001; right <= una + 9000; ++right) s.ack(una, {{una + 1000, right}});
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_LE(s.tcb.cwnd, cwnd + 1000);
}

// A peer that acknowledges less than it reported threw it away (RFC 2018 8); reported again, it is nothing new.
TEST(ReportGrowth, WhatIsForgottenAndReportedAgainCountsOnce) {
  Sender s;
  reorders(s, 1U << 20U);
  send_and_wait(s);
  const std::uint32_t right = s.nxt();
  s.ack(2000, {{2001, right}});
  const std::uint32_t cwnd = s.tcb.cwnd;
  EXPECT_EQ(cwnd, 10'000 + right - 2001);
  for (std::uint32_t una = 2001; una <= 2100; ++una) {
    s.ack(una);
    s.ack(una, {{una + 1, right}});
  }
  EXPECT_LE(s.tcb.cwnd, cwnd + 100);
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
}

// Nor in congestion avoidance, where bytes count by their place: what is forgotten at the front must not let the same place
// be passed again by a byte reported at the end.
TEST(ReportGrowth, WhatIsForgottenDoesNotCountByItsPlaceAgain) {
  Sender s;
  reorders(s, 1U << 20U);
  s.tcb.cwnd = 20'000;
  s.tcb.ssthresh = 2000;
  send_and_wait(s);
  const std::uint32_t una = 2000;
  const std::uint32_t gap = 12'000;
  const std::uint32_t tail = 13'000;
  // The place up to which all has counted is one where units of any size begin.
  const std::uint32_t place = (s.tcb.snd_una + (gap - una - 1)).value();
  const std::uint32_t more = 512 - place % 512;
  s.ack(una, {{una + 1, gap}});
  s.ack(una, {{tail, tail + more}, {una + 1, gap}});
  const std::uint32_t cwnd = s.tcb.cwnd;
  for (std::uint32_t i = 1; i <= 2000; ++i) {
    s.ack(una + i, {{una + i + 1, gap - i}, {tail, tail + more + i}});
  }
  EXPECT_EQ(s.tcb.flags & kInRecovery, 0U);
  EXPECT_LE(s.tcb.cwnd, cwnd + 1000);
}

// One acknowledgment of much that no report told of: 64 segments beside the usual eight.
TEST(ReportGrowth, OnAPathThatReordersAStretchAckIsBounded) {
  Sender s;
  reorders(s, 1U << 20U);
  s.tcb.cwnd = 200'000;
  s.write(60'000);
  s.pass(Duration::milliseconds(10));
  s.write(60'000);
  s.pass(Duration::milliseconds(95));
  ASSERT_EQ(s.nxt(), 122'000U);
  s.ack(122'000);
  EXPECT_EQ(s.tcb.cwnd, 272'000U);
}

// After a timeout it goes again, and slow start counts what SND.UNA passes.
TEST(ReportGrowth, WhatIsForgottenOpensTheWindowAfterATimeout) {
  Sender s;
  reorders(s);
  send_and_wait(s, 10'000);
  s.ack(2000, {{3000, 12'000}});
  s.pass(Duration::seconds(2));
  ASSERT_NE(s.tcb.flags & kInRtoRecovery, 0U);
  ASSERT_EQ(s.tcb.cwnd, 1000U);
  s.ack(3000);
  const std::uint32_t cwnd = s.tcb.cwnd;
  s.ack(4000);
  EXPECT_GT(s.tcb.cwnd, cwnd);
}

}  // namespace
}  // namespace sluice::tcp
