// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

#include "app/chargen_pattern.h"
#include "app/daytime_text.h"
#include "fake_stack.h"

namespace sluice {
namespace {

TEST(EchoTest, SendsBackEveryByteAndClosesAfterThePeersFin) {
  ServiceBench bench("echo");
  const Connection c = bench.accept();
  bench.arrive(c, "one ");
  bench.arrive(c, "two");
  EXPECT_EQ(bench.stack.at(c).sent, "one two");
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).closed);
  EXPECT_FALSE(bench.stack.at(c).closed_with_unread);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(EchoTest, WaitsForRoomWithoutReadingOn) {
  ServiceBench bench("echo");
  const Connection c = bench.accept(5);
  bench.arrive(c, "12345678");
  bench.arrive(c, "abc");
  EXPECT_EQ(bench.stack.at(c).sent, "");
  EXPECT_EQ(bench.stack.at(c).readable(), 3U);
  bench.arrive_fin(c);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.acknowledge(c, 4);
  EXPECT_EQ(bench.stack.at(c).sent, "12345678");
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.acknowledge(c, 8);
  EXPECT_EQ(bench.stack.at(c).sent, "12345678abc");
  EXPECT_TRUE(bench.stack.at(c).closed);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(EchoTest, SendsABufferLargerThanTheSendBufferInPieces) {
  ServiceBench bench("echo");
  const Connection c = bench.accept(4);
  bench.stack.at(c).sndbuf = 4;
  bench.arrive(c, "0123456789");
  bench.acknowledge(c, 4);
  bench.acknowledge(c, 4);
  EXPECT_EQ(bench.stack.at(c).sent, "0123456789");
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(EchoTest, GivesTheHeldBufferBackWhenTheConnectionIsReset) {
  ServiceBench bench("echo");
  const Connection c = bench.accept(0);
  bench.arrive(c, "lost");
  EXPECT_EQ(bench.stack.buffers_out, 1);
  bench.service->on_closed(c, Errc::kConnectionReset);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(DiscardTest, DropsAndClosesAfterThePeersFin) {
  ServiceBench bench("discard");
  const Connection c = bench.accept();
  bench.arrive(c, "anything");
  EXPECT_EQ(bench.stack.at(c).readable(), 0U);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).closed);
  EXPECT_EQ(bench.stack.at(c).sent, "");
}

TEST(ChargenTest, PatternRotatesByOneCharacterALine) {
  const auto text = app::chargen_text(0);
  const std::string all(reinterpret_cast<const char*>(text.data()), text.size());
  EXPECT_EQ(all.substr(0, 5), " !\"#$");
  EXPECT_EQ(all.substr(72, 4), "\r\n!\"");
  EXPECT_EQ(all[74 * 94], '~');
  EXPECT_EQ(all[74 * 94 + 1], ' ');
  EXPECT_EQ(all.substr(74 * 95, 74), all.substr(0, 74));
  const auto later = app::chargen_text(1'000'003);
  EXPECT_EQ(static_cast<char>(later[0]), all[1'000'003 % (74 * 95)]);
  EXPECT_GE(later.size(), app::kChargenPiece);
}

TEST(ChargenTest, SendsSoManyBytesThroughSmallRoomThenClosesFirst) {
  ServiceBench bench("chargen", {{"bytes", "100000"}});
  const Connection c = bench.accept(777);
  bench.arrive(c, "ignored");
  for (int i = 0; i < 200 && c.valid(); ++i) bench.acknowledge(c, 777);
  const auto text = app::chargen_text(0);
  const std::string& sent = bench.stack.at(c).sent;
  ASSERT_EQ(sent.size(), 100000U);
  EXPECT_EQ(sent.substr(0, 7000), std::string(reinterpret_cast<const char*>(text.data()), 7000));
  EXPECT_EQ(sent.substr(70300, 7000), sent.substr(0, 7000));
  EXPECT_TRUE(bench.stack.at(c).closed);
  EXPECT_FALSE(bench.stack.at(c).closed_with_unread);
}

TEST(ChargenTest, WithoutBytesSendsUntilThePeerCloses) {
  ServiceBench bench("chargen");
  const Connection c = bench.accept(1000);
  for (int i = 0; i < 100; ++i) bench.acknowledge(c, 1000);
  EXPECT_EQ(bench.stack.at(c).sent.size(), 101000U);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(DaytimeTest, LineOfASecond) {
  EXPECT_EQ(app::daytime_line(0), "Thursday, January 1, 1970 00:00:00-UTC\r\n");
  EXPECT_EQ(app::daytime_line(951'868'799), "Tuesday, February 29, 2000 23:59:59-UTC\r\n");
}

TEST(DaytimeTest, VirtualTimeIsTheShards) {
  ServiceBench bench("daytime", {{"time", "virtual"}});
  bench.shard.time = Instant{86'400'999'999'999};
  const Connection c = bench.accept();
  EXPECT_EQ(bench.stack.at(c).sent, "Friday, January 2, 1970 00:00:00-UTC\r\n");
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(DaytimeTest, WaitsWhenNoBufferIsFree) {
  ServiceBench bench("daytime", {{"time", "virtual"}});
  const Connection c = bench.accept(0);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.acknowledge(c, 100);
  EXPECT_EQ(bench.stack.at(c).sent, "Thursday, January 1, 1970 00:00:01-UTC\r\n");
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(BehaveTest, HoldNeverReads) {
  ServiceBench bench("behave", {{"does", "hold"}});
  const Connection c = bench.accept();
  bench.arrive(c, "unread");
  bench.arrive_fin(c);
  EXPECT_EQ(bench.stack.at(c).readable(), 6U);
  EXPECT_FALSE(bench.stack.at(c).gone());
}

TEST(BehaveTest, CloseClosesOnAccept) {
  ServiceBench bench("behave", {{"does", "close"}});
  EXPECT_TRUE(bench.stack.at(bench.accept()).closed);
}

TEST(BehaveTest, HalfCloseGoesOnReading) {
  ServiceBench bench("behave", {{"does", "half-close"}});
  const Connection c = bench.accept();
  EXPECT_TRUE(bench.stack.at(c).write_shut);
  bench.arrive(c, "read");
  EXPECT_EQ(bench.stack.at(c).readable(), 0U);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(BehaveTest, AbortResetsAfterTheFirstByte) {
  ServiceBench bench("behave", {{"does", "abort"}});
  const Connection c = bench.accept();
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive(c, "x");
  EXPECT_TRUE(bench.stack.at(c).aborted);
}

TEST(BehaveTest, CloseUnreadClosesOneSecondAfterAccept) {
  ServiceBench bench("behave", {{"does", "close-unread"}});
  const Connection first = bench.accept();
  bench.arrive(first, "unread");
  const Connection reset = bench.accept();
  bench.stack.at(reset).aborted = true;
  bench.poll_after(Duration::milliseconds(999));
  EXPECT_FALSE(bench.stack.at(first).gone());
  bench.poll_after(Duration::milliseconds(1));
  EXPECT_TRUE(bench.stack.at(first).closed_with_unread);
  EXPECT_FALSE(bench.stack.at(reset).closed);
}

}  // namespace
}  // namespace sluice
