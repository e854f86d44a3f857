// SPDX-License-Identifier: BSD-3-Clause
// The send queue against a string, through calls and segments.
#include <string>

#include "base/rng.h"
#include "tcp/sending.h"
#include "unit/tcp/sender.h"

namespace sluice::tcp {
namespace {

// The payload that a frame of this segment would carry.
std::string payload(const OutSegment& s) {
  std::string text;
  const Buf* buf = s.chunk;
  std::uint32_t offset = s.chunk_offset;
  unsigned bufs = 0;
  while (text.size() < s.len) {
    const std::uint32_t n = std::min<std::uint32_t>(buf->len - offset, s.len - static_cast<std::uint32_t>(text.size()));
    text.append(reinterpret_cast<const char*>(buf->data) + offset, n);
    offset = 0;
    buf = buf->next;
    ++bufs;
  }
  EXPECT_LT(bufs, kMaxFragments) << "more buffers than a frame can point to";
  return text;
}

std::string pattern(std::uint32_t from, std::uint32_t n) {
  std::string text(n, '\0');
  for (std::uint32_t i = 0; i < n; ++i) text[i] = static_cast<char>((from + i) % 251);
  return text;
}

// Everything just sent holds the bytes that belong to its numbers.
void expect_true_bytes(Sender& s) {
  for (const OutSegment& out : std::exchange(s.sent, {})) {
    if (out.len != 0) {
      ASSERT_EQ(payload(out), pattern(out.seq - Sender::first(), out.len)) << Sender::describe(out);
    }
  }
}

TEST(SendQueue, CopiesFillTheTailBeforeAFreshBuffer) {
  Sender s(Params{.nodelay = true});
  s.establish();
  const std::size_t idle = s.bufs.in_use();
  for (int i = 0; i < 20; ++i) s.write(100);
  EXPECT_EQ(s.bufs.in_use(), idle + 1);
  s.write(100);
  EXPECT_EQ(s.bufs.in_use(), idle + 2);
  expect_true_bytes(s);
}

TEST(SendQueue, NothingIsWrittenBehindABufferThatWasHandedOver) {
  Sender s(Params{.nodelay = true});
  s.establish();
  ASSERT_TRUE(s.write_buf(300));
  s.write(10);
  EXPECT_EQ(s.tcb.snd_head->len, 300U);
  EXPECT_NE(s.tcb.snd_head, s.tcb.snd_tail);
}

TEST(SendQueue, SmallBuffersAreCopiedBehindTheTail) {
  Sender s(Params{.cork = true});
  s.establish();
  s.write(10);
  const std::size_t one = s.bufs.in_use();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(s.write_buf(1));
  EXPECT_EQ(s.bufs.in_use(), one);
  EXPECT_EQ(s.tcb.snd_queued, 50U);
}

TEST(SendQueue, SegmentIsCutWhereItWouldNeedTooManyBuffers) {
  Sender s(Params{.cork = true});
  s.establish();
  // A full buffer first, so that no tail takes the small ones in.
  ASSERT_TRUE(s.write_buf(1460));
  for (int i = 0; i < 2 * static_cast<int>(kMaxFragments); ++i) ASSERT_TRUE(s.write_buf(60));
  expect_true_bytes(s);
  s.ack(1460);
  for (std::uint32_t upto = s.una(); s.tcb.snd_queued != 0 && upto < 5000; upto = s.nxt()) {
    expect_true_bytes(s);
    s.ack(s.nxt());
    s.params.cork = false;
    s.turn();
  }
  EXPECT_EQ(s.tcb.snd_queued, 0U);
}

TEST(SendQueue, AcknowledgedBuffersAreGivenBackAtOnce) {
  Sender s(Params{.nodelay = true});
  s.establish();
  const std::size_t idle = s.bufs.in_use();
  s.write(8192);
  EXPECT_EQ(s.bufs.in_use(), idle + 4);
  s.ack(2920);
  EXPECT_EQ(s.bufs.in_use(), idle + 3);
  s.ack(8192);
  EXPECT_EQ(s.bufs.in_use(), idle);
}

TEST(SendQueue, CursorFollowsWhatIsSent) {
  Sender s(Params{.nodelay = true});
  s.establish();
  s.write(8192);
  ASSERT_NE(s.tcb.snd_cursor, nullptr);
  EXPECT_EQ(s.tcb.snd_cursor, s.tcb.snd_tail);
}

TEST(SendQueue, TakesNoMoreThanSndbuf) {
  Sender s(Params{.sndbuf = 10'000});
  s.establish(1000);
  EXPECT_EQ(s.write(20'000), 10'000U);
  EXPECT_EQ(s.write(1), 0U);
  EXPECT_FALSE(s.write_buf(1));
}

TEST(SendQueue, WritableFollowsWhenAQuarterOfTheRoomIsFree) {
  Sender s(Params{.sndbuf = 10'000});
  s.establish();
  s.write(20'000);
  s.settle();
  s.ack(1460);
  EXPECT_EQ(s.events & kEventWritable, 0U);
  s.ack(2920);
  EXPECT_NE(s.events & kEventWritable, 0U);
  s.settle();
  s.ack(5840);  // only once
  EXPECT_EQ(s.events & kEventWritable, 0U);
}

TEST(SendQueue, BufferLargerThanSndbufGoesWhenTheQueueIsEmpty) {
  Sender s(Params{.sndbuf = 1000, .nodelay = true});
  s.establish();
  EXPECT_TRUE(s.write_buf(1400));
  EXPECT_FALSE(s.write_buf(1400));
  s.ack(1400);
  EXPECT_NE(s.events & kEventWritable, 0U);
  EXPECT_TRUE(s.write_buf(1400));
}

TEST(SendQueue, WithoutBuffersTheApplicationIsAskedAgainLater) {
  Sender s({}, 64);  // a pool takes 64 at once
  s.establish();
  while (Buf* buf = s.bufs.take()) s.held.push_back(buf);
  EXPECT_EQ(s.write(100), 0U);
  s.settle();
  EXPECT_LE(s.next_timer_ms(), 50);
  EXPECT_NE(s.events & kEventWritable, 0U);
}

TEST(SendQueue, AnAcknowledgmentDoesNotEndThatWait) {
  Sender s;
  s.establish();
  s.bufs.spare_beyond(0);  // none for the application
  EXPECT_EQ(s.write(100), 0U);
  s.settle();
  s.arrive(In{.seq = 101, .data = "ahead of a gap", .wnd = 65535});
  ASSERT_EQ(s.sent.size(), 1U) << "acknowledged";
  s.events = 0;
  EXPECT_LE(s.next_timer_ms(), 50);
  EXPECT_NE(s.events & kEventWritable, 0U);
}

TEST(SendQueue, AStreamOfArrivalsDoesNotPutOffThatWait) {
  Sender s(Params{.quickack = false}, 64);
  s.establish();
  while (Buf* buf = s.bufs.take()) s.held.push_back(buf);
  EXPECT_EQ(s.write(100), 0U);
  for (int i = 0; i < 2; ++i) {
    s.bufs.release(s.held.back());
    s.held.pop_back();
  }
  s.settle();
  s.events = 0;
  int waited_ms = 0;
  for (; (s.events & kEventWritable) == 0 && waited_ms < 400; waited_ms += 10) {
    s.pass(Duration::milliseconds(10));
    s.peer_data("x", 0);
    s.read();
  }
  EXPECT_LE(waited_ms, 80);
}

// Bounds of a pool that is crowded, not scarce, with so many in use.
std::size_t bound_when_crowded(std::size_t in_use) { return in_use + in_use / 2; }

TEST(SendQueue, WhileBuffersAreCrowdedItHoldsWhatIsInFlightAndAnotherWindow) {
  Sender s(Params{.sndbuf = 200'000});
  s.establish(4380);
  for (int i = 0; i < 100; ++i) s.held.push_back(s.bufs.take());
  s.bufs.spare_beyond(1000);
  EXPECT_EQ(send_room(s.tcb, s.env()), 200'000U);
  s.bufs.spare_beyond(bound_when_crowded(100));
  EXPECT_EQ(send_room(s.tcb, s.env()), 4380U) << "the window decides";
  EXPECT_EQ(s.write(100'000), 4380U);
  EXPECT_EQ(s.write(100'000), 4380U) << "what has left made room";
  s.settle();
  s.events = 0;
  s.ack(1460);
  s.ack(2920);
  EXPECT_EQ(s.events & kEventWritable, 0U) << "no quarter of it is free";
  s.ack(4380);
  EXPECT_NE(s.events & kEventWritable, 0U);
  s.write(100'000);
  EXPECT_EQ(s.tcb.snd_queued, 8760U);
  s.bufs.spare_beyond(1000);
  EXPECT_EQ(send_room(s.tcb, s.env()), 191'240U);
}

TEST(SendQueue, WhileBuffersAreCrowdedTheCongestionWindowCountsToo) {
  Sender s(Params{.sndbuf = 200'000});
  s.establish(65535);
  for (int i = 0; i < 100; ++i) s.held.push_back(s.bufs.take());
  s.bufs.spare_beyond(bound_when_crowded(100));
  EXPECT_EQ(send_room(s.tcb, s.env()), s.tcb.cwnd);
  EXPECT_LT(s.tcb.cwnd, 65535U);
}

// What is reported behind a hole is still queued; without more the recovery would run dry.
TEST(SendQueue, WhileBuffersAreCrowdedReportsBehindAHoleDoNotEndIt) {
  Sender s(Params{.sndbuf = 2'000'000});
  s.establish(1'000'000, Offer{.sack = true});
  s.tcb.cwnd = s.tcb.ssthresh = 100 * 1460;
  for (int i = 0; i < 1500; ++i) s.held.push_back(s.bufs.take());
  s.bufs.spare_beyond(bound_when_crowded(1500));
  s.write(2'000'000);
  std::uint32_t reported = 1;
  for (int round_trip = 0; round_trip < 3; ++round_trip) {
    const std::uint32_t end = s.nxt() / 1460;
    for (; reported < end; ++reported) {
      s.settle();
      s.ack(0, {{1460, (reported + 1) * 1460}});
      s.write(2'000'000);
    }
  }
  EXPECT_GT(s.nxt(), 220U * 1460) << "half a window each round trip";
}

// In pieces, between which it is asked again.
TEST(SendQueue, OneLargeWritePassesTheBoundOfCrowdedBuffersByAPieceAtMost) {
  Sender s(Params{.sndbuf = 4'000'000});
  s.establish(4380);
  for (int i = 0; i < 90; ++i) s.held.push_back(s.bufs.take());
  s.bufs.spare_beyond(bound_when_crowded(100));
  EXPECT_LE(s.write(400'000), 65'536U);
}

TEST(SendQueue, ACorkDoesNotHoldWhoWaitsForRoom) {
  Sender s(Params{.sndbuf = 200'000, .cork = true});
  s.establish(600, Offer{.mss = 536});
  for (int i = 0; i < 100; ++i) s.held.push_back(s.bufs.take());
  s.bufs.spare_beyond(bound_when_crowded(100));
  ASSERT_TRUE(s.write_buf(400));
  EXPECT_TRUE(s.sent.empty()) << "corked";
  EXPECT_FALSE(s.write_buf(900));
  EXPECT_EQ(s.nxt(), 400U);
  s.events = 0;
  s.ack(400);
  EXPECT_NE(s.events & kEventWritable, 0U);
}

TEST(SendQueue, AWindowThatOpensBringsRoomWhileBuffersAreCrowded) {
  Sender s(Params{.sndbuf = 200'000});
  s.establish(0);
  for (int i = 0; i < 100; ++i) s.held.push_back(s.bufs.take());
  s.bufs.spare_beyond(bound_when_crowded(100));
  EXPECT_EQ(s.write(100'000), 2 * 1460U);
  s.events = 0;
  s.ack(0, 10'000);
  EXPECT_NE(s.events & kEventWritable, 0U);
}

// A window of less than a segment, or none: two segments wait.
TEST(SendQueue, WhileBuffersAreCrowdedTwoSegmentsMayAlwaysWait) {
  for (const std::uint32_t window : {0U, 100U}) {
    Sender s(Params{.sndbuf = 200'000});
    s.establish(window);
    for (int i = 0; i < 100; ++i) s.held.push_back(s.bufs.take());
    s.bufs.spare_beyond(bound_when_crowded(100));
    EXPECT_EQ(send_room(s.tcb, s.env()), 2 * 1460U);
  }
}

TEST(SendQueue, AgreesWithAStringUnderRandomWritesAcksAndLosses) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Sender s(Params{.sndbuf = 60'000, .nodelay = rng.below(2) == 0});
    s.establish(static_cast<std::uint32_t>(2000 + rng.below(60'000)), Offer{.sack = true});
    for (int step = 0; step < 400; ++step) {
      switch (rng.below(6)) {
        case 0: s.write(rng.below(9000)); break;
        case 1: s.write_buf(1 + rng.below(2000)); break;
        case 2: s.write(rng.below(40)); break;
        case 3:
        case 4: {
          const std::uint32_t una = s.una();
          s.ack(una + rng.below(s.nxt() - una + 1));
          break;
        }
        default: s.pass(Duration::milliseconds(rng.below(400))); break;
      }
      expect_true_bytes(s);
      if (testing::Test::HasFatalFailure() || testing::Test::HasNonfatalFailure()) return;
    }
    ASSERT_EQ(s.tcb.state, State::kEstablished);
  }
}

}  // namespace
}  // namespace sluice::tcp
