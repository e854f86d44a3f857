// SPDX-License-Identifier: BSD-3-Clause
// The receive buffer, its calls and its window (wire cases 51, 54, 60 to 63).
#include "base/rng.h"
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

Params with_rcvbuf(std::uint32_t bytes) { return Params{.rcvbuf = bytes}; }

TEST(WindowShift, IsTheSmallestThatLetsSixteenBitsDo) {
  EXPECT_EQ(window_shift(65535), 0);
  EXPECT_EQ(window_shift(65536), 1);
  EXPECT_EQ(window_shift(262144), 3);
  EXPECT_EQ(window_shift(1U << 30U), 14);
}

struct Receive : ::testing::Test {
  Receive() { c.open_passively(); }
  OneConnection c;
};

TEST_F(Receive, BuffersComeWholeAndUncopied) {
  c.arrive({.data = std::string(1000, 'a')});
  Buf* buf = receive(c.tcb, SIZE_MAX, c.env());
  ASSERT_NE(buf, nullptr);
  EXPECT_EQ(buf->len, 1000U);
  EXPECT_EQ(buf->refs, 1);
  c.bufs.release(buf);
  EXPECT_EQ(receive(c.tcb, SIZE_MAX, c.env()), nullptr);
  EXPECT_EQ(c.tcb.rcv_queued, 0U);
}

TEST_F(Receive, PartOfABufferIsACopy) {
  c.arrive({.data = "hello world"});
  Buf* buf = receive(c.tcb, 5, c.env());
  ASSERT_NE(buf, nullptr);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(buf->data), buf->len), "hello");
  c.bufs.release(buf);
  EXPECT_EQ(c.read(), " world");
}

TEST_F(Receive, BytesAreNotCopiedBehindABufferThatOthersSee) {
  c.arrive({.data = "shared"});
  Buf* tail = c.tcb.rcv_tail;
  c.bufs.retain(tail);
  c.held.push_back(tail);
  c.arrive({.seq = 7, .data = "+"});
  EXPECT_EQ(tail->len, 6U);
  EXPECT_EQ(c.read(), "shared+");
}

TEST_F(Receive, BytesAreNotCopiedBehindABufferThatADeviceReads) {
  c.arrive({.data = "lent"});
  Buf* tail = c.tcb.rcv_tail;
  tail->flags |= kLent;
  c.arrive({.seq = 5, .data = "+"});
  EXPECT_EQ(tail->len, 4U);
  tail->flags = 0;
  EXPECT_EQ(c.read(), "lent+");
}

TEST_F(Receive, PeekLeavesTheBytesQueued) {
  c.arrive({.data = std::string(300, 'a')});
  c.arrive({.seq = 301, .data = std::string(300, 'b')});
  std::uint8_t out[400];
  EXPECT_EQ(receive(c.tcb, out, true, c.env()), 400U);
  EXPECT_EQ(out[399], 'b');
  EXPECT_EQ(c.tcb.rcv_queued, 600U);
  EXPECT_EQ(c.read().size(), 600U);
}

TEST_F(Receive, EndOfFileOnlyAfterEveryByte) {
  c.arrive({.flags = kAck | kFin, .data = "bye"});
  EXPECT_FALSE(at_eof(c.tcb));
  EXPECT_EQ(c.read(), "bye");
  EXPECT_TRUE(at_eof(c.tcb));
}

TEST_F(Receive, YoungConnectionAcknowledgesEverySegmentAtOnce) {
  for (int i = 0; i < 16; ++i) {
    c.arrive({.seq = 1 + i, .data = "x"});
    EXPECT_EQ(c.answer(), "A 1 " + std::to_string(2 + i));
  }
  c.arrive({.seq = 17, .data = "x"});
  EXPECT_EQ(c.answer(), "");
}

TEST(ReceiveWindow, ClosesToZeroAndItsRightEdgeNeverRetreats) {
  for (const std::uint32_t rcvbuf : {8192U, 65535U, 100'000U, 1'000'000U}) {
    OneConnection c(with_rcvbuf(rcvbuf));
    c.open_passively({.wscale = 7});
    Rng rng(rcvbuf);
    SeqNum edge = right_edge(c.tcb);
    int seq = 1;
    while (rcv_wnd_bytes(c.tcb) > 0) {
      const std::uint32_t n = std::min(rcv_wnd_bytes(c.tcb), 1 + rng.below(1460));
      c.arrive({.seq = seq, .data = std::string(n, 'x')});
      seq += static_cast<int>(n);
      c.tcb.flags |= kAckNow;
      c.turn();
      ASSERT_FALSE(right_edge(c.tcb).before(edge)) << rcvbuf;
      edge = right_edge(c.tcb);
    }
    EXPECT_EQ(c.sent.back().wnd, 0);
    EXPECT_GE(c.tcb.rcv_queued + 1460, rcvbuf);
    EXPECT_LE(c.tcb.rcv_queued, rcvbuf + rcvbuf / 8);
    // case 62
    c.settle();
    EXPECT_EQ(c.arrive({.seq = seq, .data = "z"}), Verdict::kDataOutOfWindow);
    EXPECT_EQ(c.answer(), "A 1 " + std::to_string(seq));
    // RFC 9293 3.10.7.4: ACKs and RSTs count although the window is shut
    EXPECT_EQ(c.arrive({.seq = seq, .wnd = 777}), Verdict::kWindowUpdate);
    EXPECT_EQ(c.arrive({.flags = kRst, .seq = seq}), Verdict::kReset);
  }
}

TEST(ReceiveWindow, TinySegmentsCloseTheWindow) {
  OneConnection c(with_rcvbuf(100'000));
  c.open_passively({.wscale = 7});
  int seq = 1;
  while (rcv_wnd_bytes(c.tcb) > 0) {
    c.arrive({.seq = seq++, .data = "x"});
    c.tcb.flags |= kAckNow;
    c.turn();
    c.sent.clear();
    ASSERT_LE(c.tcb.rcv_queued, 100'000U * 9 / 8);
  }
  EXPECT_LE(c.bufs.in_use(), 80U);
}

TEST(ReceiveWindow, ReopensByOneSegmentOrHalfTheBuffer) {
  OneConnection c(with_rcvbuf(8000));
  c.open_passively();
  int seq = 1;
  for (; seq < 8000; seq += 1000) c.arrive({.seq = seq, .data = std::string(1000, 'x')});
  EXPECT_EQ(rcv_wnd_bytes(c.tcb), 0U);
  c.settle();
  c.read(1459);
  EXPECT_EQ(c.answer(), "");
  c.read(1);
  ASSERT_EQ(c.sent.size(), 1U);
  EXPECT_EQ(c.sent[0].wnd, 1460);
}

TEST(ReceiveWindow, UpdateWaitsUntilItDoublesWhatThePeerHas) {
  OneConnection c(Params{.rcvbuf = 40'000, .quickack = false});
  c.open_passively();
  for (int seq = 1; seq < 30'000; seq += 1000) c.arrive({.seq = seq, .data = std::string(1000, 'x')});
  EXPECT_EQ(rcv_wnd_bytes(c.tcb), 10'000U);
  c.settle();
  c.read(9'999);
  EXPECT_EQ(c.answer(), "");
  c.read(1);
  EXPECT_EQ(c.answer(), "A 1 30001");
}

TEST(ReceiveWindow, NoUpdateAfterThePeersFin) {
  OneConnection c(with_rcvbuf(4000));
  c.open_passively();
  for (int seq = 1; seq < 3000; seq += 1000) c.arrive({.seq = seq, .data = std::string(1000, 'x')});
  c.arrive({.flags = kAck | kFin, .seq = 3001, .data = std::string(1000, 'x')});
  EXPECT_EQ(rcv_wnd_bytes(c.tcb), 0U);
  c.settle();
  EXPECT_EQ(c.read().size(), 4000U);
  EXPECT_EQ(c.answer(), "");
}

TEST(ReceiveWindow, SegmentPartlyBeyondTheWindowIsTrimmed) {
  OneConnection c(with_rcvbuf(1000));
  c.open_passively();
  EXPECT_EQ(c.arrive({.flags = kAck | kFin, .data = std::string(1200, 'x')}), Verdict::kData);
  EXPECT_EQ(c.answer(), "A 1 1001");
  EXPECT_EQ(c.read().size(), 1000U);
  c.settle();
  c.arrive({.seq = 1001, .data = std::string(200, 'x')});
  EXPECT_EQ(c.tcb.state, State::kEstablished);  // the FIN was beyond, so it was cut off too
}

TEST(ReceiveWindow, PureAckAtTheRightEdgeStillAcknowledges) {
  OneConnection c(with_rcvbuf(1000));
  c.open_passively();
  const Verdict verdict = c.arrive({.seq = 1001, .wnd = 555});
  EXPECT_EQ(verdict, Verdict::kWindowUpdate);
  EXPECT_EQ(c.answer(), "");
}

}  // namespace
}  // namespace sluice::tcp
