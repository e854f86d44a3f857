// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 3.10.7.1 and 3.10.7.2: segments that meet no connection.
#include "unit/tcp/one_connection.h"

namespace sluice::tcp {
namespace {

class NoConnection : public ::testing::Test {
 protected:
  std::string closed(const In& in) { return run(in, on_segment_closed); }
  std::string listen(const In& in) { return run(in, listen_and_answer); }
  Verdict verdict{};

 private:
  static Verdict listen_and_answer(const Segment& segment, OutSegment& answer) noexcept {
    const Verdict listened = on_segment_listen(segment);
    if (listened == Verdict::kListenReset) on_segment_closed(segment, answer);
    return listened;
  }
  std::string run(const In& in, Verdict (*receiver)(const Segment&, OutSegment&) noexcept) {
    Segment segment = c_.make(in);
    OutSegment answer;
    verdict = receiver(segment, answer);
    if (segment.payload != nullptr) c_.bufs.release(segment.payload);
    if (answer.flags == 0) return "";
    if (answer.seq == SeqNum(0)) return OneConnection::text_of(answer).substr(0, 2) + " 0 " +
        std::to_string(static_cast<std::int32_t>(answer.ack - kIrs));
    return OneConnection::text_of(answer);
  }
  OneConnection c_;
};

TEST_F(NoConnection, SynToAClosedPortIsReset) {
  EXPECT_EQ(closed({.flags = kSyn, .seq = 0}), "RA 0 1");
  EXPECT_EQ(verdict, Verdict::kClosedReset);
}
TEST_F(NoConnection, AckToAClosedPortIsResetAtItsAcknowledgmentNumber) { EXPECT_EQ(closed({.ack = 77}), "R 77"); }
TEST_F(NoConnection, FinWithTextButWithoutAckIsResetBehindItsFin) {
  EXPECT_EQ(closed({.flags = kFin, .seq = 100, .data = "abc"}), "RA 0 104");
}
TEST_F(NoConnection, ResetIsNeverAnsweredByAReset) {
  EXPECT_EQ(closed({.flags = kRst}), "");
  EXPECT_EQ(closed({.flags = kRst | kAck}), "");
  EXPECT_EQ(verdict, Verdict::kClosedRstIgnored);
  EXPECT_EQ(listen({.flags = kRst}), "");
  EXPECT_EQ(listen({.flags = kRst | kAck}), "");
  EXPECT_EQ(verdict, Verdict::kListenRstIgnored);
}
TEST_F(NoConnection, ListenerAnswersAnAckWithAReset) {
  EXPECT_EQ(listen({.ack = 9}), "R 9");
  EXPECT_EQ(listen({.flags = kSyn | kAck, .ack = 9}), "R 9");
  EXPECT_EQ(verdict, Verdict::kListenReset);
}
TEST_F(NoConnection, ListenerDropsWhatOpensNoConnection) {
  for (const std::uint8_t flags : {0, +kFin, kSyn | kFin, kSyn | kRst, +kPsh, +kUrg}) {
    EXPECT_EQ(listen({.flags = static_cast<std::uint8_t>(flags)}), "") << int{flags};
    EXPECT_NE(verdict, Verdict::kListenSyn) << int{flags};
  }
}
TEST_F(NoConnection, ListenerTakesASynWithPushAndUrgent) {
  EXPECT_EQ(listen({.flags = kSyn | kPsh | kUrg, .seq = 0}), "");
  EXPECT_EQ(verdict, Verdict::kListenSyn);
}

}  // namespace
}  // namespace sluice::tcp
