// SPDX-License-Identifier: BSD-3-Clause
// What leaves when: segmentation, Nagle, cork, silly windows, FIN, and the rest of
// what output() decides.
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

TEST(Output, PushesTheLastSegmentOfWhatIsQueued) {
  Sender s;
  s.establish();
  s.write(3000);
  EXPECT_EQ(s.sent_text(), "0-1460 1460-2920 2920-3000P");
}

TEST(Output, TimestampsTakeTwelveBytesOfEverySegment) {
  Sender s;
  s.establish(65535, Offer{.tsval = 1});
  s.write(2896);
  EXPECT_EQ(s.sent_text(), "0-1448 1448-2896P");
}

TEST(Output, SackBlocksShortenADataSegment) {
  Sender s(Params{.nodelay = true});
  s.establish(65535, Offer{.tsval = static_cast<std::uint32_t>(s.now.ms()), .sack = true});
  s.arrive(In{.seq = 101, .data = "hole", .wnd = 65535, .tsval = static_cast<std::uint32_t>(s.now.ms())});
  s.settle();
  s.write(1448);
  ASSERT_EQ(s.sent.size(), 2U);
  EXPECT_EQ(s.sent[0].n_sack, 1);
  EXPECT_EQ(s.sent[0].len, 1448U - 12U);
  EXPECT_EQ(s.sent_text(), "0-1436 1436-1448P");
}

TEST(Output, FinGoesWithWhatTheSackBlocksPushedOut) {
  Sender s(Params{.cork = true});
  s.establish(65535, Offer{.tsval = static_cast<std::uint32_t>(s.now.ms()), .sack = true});
  s.write(1447);
  shutdown_write(s.tcb, s.env());
  s.arrive(In{.seq = 101, .data = "hole", .wnd = 65535, .tsval = static_cast<std::uint32_t>(s.now.ms())});
  EXPECT_EQ(s.sent_text(), "0-1436 1436-1447PF");
}

struct NagleCase {
  const char* name;
  bool nodelay, cork;
  std::uint32_t outstanding;  // written before and not acknowledged
  std::uint32_t written;
  const char* sent;
};
class Nagle : public testing::TestWithParam<NagleCase> {};

// RFC 9293 3.7.4
TEST_P(Nagle, Decides) {
  const NagleCase& c = GetParam();
  Sender s;
  s.establish();
  if (c.outstanding != 0) s.write(c.outstanding);
  s.sent_text();
  s.params.nodelay = c.nodelay;
  s.params.cork = c.cork;
  s.write(c.written);
  EXPECT_EQ(s.sent_text(), c.sent);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Nagle,
    testing::Values(NagleCase{"IdleSendsAnything", false, false, 0, 1, "0-1P"},
                    NagleCase{"SmallWaitsForTheAck", false, false, 100, 50, ""},
                    NagleCase{"FullDoesNotWait", false, false, 100, 1460, "100-1560P"},
                    NagleCase{"RestBehindFullWaits", false, false, 100, 2000, "100-1560"},
                    NagleCase{"NodelayNeverWaits", true, false, 100, 50, "100-150P"},
                    NagleCase{"NodelaySendsTheRest", true, false, 100, 2000, "100-1560 1560-2100P"},
                    NagleCase{"CorkHoldsEvenWhenIdle", false, true, 0, 1000, ""},
                    NagleCase{"CorkLetsFullSegmentsGo", false, true, 0, 3000, "0-1460 1460-2920"},
                    NagleCase{"CorkBeatsNodelay", true, true, 0, 1000, ""}),
    [](const auto& test) { return test.param.name; });

TEST(NagleStory, HeldBytesJoinWhatFollows) {
  Sender s;
  s.establish();
  s.write(1);
  s.write(2);
  s.write(3);
  EXPECT_EQ(s.sent_text(), "0-1P");
  s.ack(1);
  EXPECT_EQ(s.sent_text(), "1-6P");
}

TEST(NagleStory, ClearedCorkSendsAtOnce) {
  Sender s(Params{.cork = true});
  s.establish();
  s.write(10);
  EXPECT_EQ(s.sent_text(), "");
  EXPECT_EQ(s.next_timer_ms(), -1) << "cork is no closed window";
  s.params.cork = false;
  params_changed(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-10P");
}

// RFC 9293 3.8.6.2.1
TEST(SillyWindow, PartOfASegmentWaitsForTheWindow) {
  Sender s;
  s.establish(4380);
  s.write(8000);
  EXPECT_EQ(s.sent_text(), "0-1460 1460-2920 2920-4380");
  s.ack(4380, 100);
  EXPECT_EQ(s.sent_text(), "");
  s.ack(4380, 1460);
  EXPECT_EQ(s.sent_text(), "4380-5840");
}

TEST(SillyWindow, HalfTheLargestWindowIsEnough) {
  Sender s;
  s.establish(1000);  // less than a segment
  s.write(3000);
  EXPECT_EQ(s.sent_text(), "0-1000");
  s.ack(1000, 499);
  EXPECT_EQ(s.sent_text(), "");
  s.ack(1000, 500);
  EXPECT_EQ(s.sent_text(), "1000-1500");
}

TEST(SillyWindow, OverrideTimerSendsWhatFits) {
  Sender s;
  s.establish(4380);
  s.write(8000);
  s.ack(4380, 100);
  s.sent_text();
  const std::int64_t ms = s.next_timer_ms();
  EXPECT_GE(ms, 100);
  EXPECT_LE(ms, 1000);
  EXPECT_EQ(s.sent_text(), "4380-4480");
}

TEST(Output, NothingGoesBeyondThePeersWindow) {
  Sender s;
  s.establish(3000);
  s.write(10'000);
  EXPECT_EQ(s.nxt(), 2920U);
  s.ack(2920, 2900);
  EXPECT_LE(s.nxt(), 2920U + 2900U);
}

TEST(Output, ScaledWindowsUpToAGigabyte) {
  Sender s(Params{.sndbuf = 3'000'000});
  s.tcb.cwnd = 0;
  s.syn(Offer{.wscale = 14});
  s.third(In{.wnd = 65535});
  EXPECT_EQ(snd_wnd_bytes(s.tcb), 65535U << 14U);
}

TEST(Output, FinRidesOnTheLastSegment) {
  Sender s;
  s.establish();
  s.write(100);
  s.sent_text();
  s.params.cork = true;
  s.write(50);
  shutdown_write(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "100-150PF") << "neither Nagle nor cork holds the last segment";
  EXPECT_EQ(s.tcb.state, State::kFinWait1);
}

TEST(Output, FinWaitsForTheDataBeforeIt) {
  Sender s;
  s.establish(1460);
  s.write(2000);
  shutdown_write(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-1460");
  s.ack(1460);
  EXPECT_EQ(s.sent_text(), "1460-2000PF");
  s.ack(2001);
  EXPECT_EQ(s.tcb.state, State::kFinWait2);
}

TEST(Output, FinFollowsAloneWhereTheWindowEnds) {
  Sender s;
  s.establish(1460);
  s.write(1460);
  shutdown_write(s.tcb, s.env());
  s.turn();
  EXPECT_EQ(s.sent_text(), "0-1460P");
  s.ack(1460, 1000);
  EXPECT_EQ(s.sent_text(), "1460-1460F");
}

TEST(Output, DataCarriesTheAcknowledgmentOwed) {
  Sender s(Params{.quickack = false});
  s.establish();
  s.peer_data("request", 0);
  EXPECT_EQ(s.sent_text(), "");
  s.write(10);
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_EQ(s.sent[0].ack, kIrs + 8);
  s.sent_text();
  s.ack(10);
  EXPECT_EQ(s.next_timer_ms(), -1) << "nothing is owed any more";
}

TEST(Output, FullOutboxIsFinishedLater) {
  Sender s(Params{.sndbuf = 400'000});
  s.establish(300'032, Offer{.mss = 1460});
  s.tcb.cwnd = 300'000;
  std::vector<std::uint8_t> bytes(300'000);
  ASSERT_EQ(send(s.tcb, bytes, s.env()), bytes.size());
  output(s.tcb, s.env());
  EXPECT_TRUE(s.out.full());
  EXPECT_NE(s.tcb.flags & kMoreOutput, 0U);
  for (int i = 0; i < 10 && (s.tcb.flags & kMoreOutput) != 0; ++i) {
    s.drain();
    output(s.tcb, s.env());
  }
  s.drain();
  EXPECT_EQ(s.sent.size(), 206U);  // of 1460 bytes but for the last
  EXPECT_EQ(s.nxt(), 300'000U);
}

TEST(Output, FullOutboxKeepsTheAcknowledgmentOwed) {
  Sender s;
  s.establish();
  while (!s.out.full()) (void)s.out.add();
  send_ack(s.tcb, s.env());
  EXPECT_NE(s.tcb.flags & kMoreOutput, 0U);
  s.out.clear();
  s.turn();
  EXPECT_EQ(s.sent_text(), "a");
  EXPECT_EQ(s.tcb.flags & (kMoreOutput | kAckNow), 0U);
}

TEST(Output, CountsSegmentsAsRfc4022) {
  Sender s;
  s.establish();
  const TcpStats before = s.counters.mib;
  s.write(2920);
  s.next_timer_ms();
  abort(s.tcb, Errc::kOk, s.env());
  s.turn();
  EXPECT_EQ(s.counters.mib.OutSegs - before.OutSegs, 3U);  // two of data, a RST
  EXPECT_EQ(s.counters.mib.RetransSegs - before.RetransSegs, 1U);
  EXPECT_EQ(s.counters.mib.OutRsts - before.OutRsts, 1U);
}

TEST(Output, PeersWindowShrinkingIsSurvived) {
  Sender s;
  s.establish(8760);
  s.write(20'000);
  EXPECT_EQ(s.nxt(), 8760U);
  s.sent_text();
  s.ack(1460, 2920);  // the right edge goes back by 4380
  EXPECT_EQ(s.sent_text(), "");
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "1460-2920") << "and nothing beyond the edge";
  s.ack(4380, 8760);
  s.ack(8760, 8760);
  EXPECT_EQ(s.una(), 8760U);
  EXPECT_GT(s.nxt(), 8760U);
}

TEST(Output, RetransmissionStaysWithinAShrunkenWindow) {
  Sender s;
  s.establish(8760);
  s.write(8760);
  s.ack(1460, 700);
  s.sent_text();
  s.next_timer_ms();
  EXPECT_EQ(s.sent_text(), "1460-2160");
}

// An acknowledgment from beyond the peer's window would be answered by another, and so on.
TEST(Output, AcknowledgmentComesFromWithinThePeersWindow) {
  Sender s;
  s.establish(1460);
  s.write(3000);
  s.ack(1460, 0);
  s.next_timer_ms();
  s.next_timer_ms();
  EXPECT_EQ(s.nxt(), 1461U) << "a probe's byte is outstanding";
  s.settle();
  send_ack(s.tcb, s.env());
  s.drain();
  EXPECT_EQ(s.sent[0].seq, Sender::first() + 1460);
}

TEST(WindowUpdate, OldSegmentsDoNotSetTheWindow) {
  Sender s;
  s.establish(5000);
  s.peer_data("x", 0);
  s.ack(0, 6000);
  ASSERT_EQ(snd_wnd_bytes(s.tcb), 6000U);
  s.arrive(In{.seq = 1, .ack = 1, .data = "x", .wnd = 100});  // WL1 is later
  EXPECT_EQ(snd_wnd_bytes(s.tcb), 6000U);
  s.write(100);
  s.ack(100, 7000);
  ASSERT_EQ(snd_wnd_bytes(s.tcb), 7000U);
  s.ack(50, 200);  // WL2 is later
  EXPECT_EQ(snd_wnd_bytes(s.tcb), 7000U);
}

}  // namespace
}  // namespace sluice::tcp
