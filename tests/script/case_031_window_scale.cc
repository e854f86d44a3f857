// SPDX-License-Identifier: BSD-3-Clause
// Case 31: window scale only if offered, at most 14, never on a SYN.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ShiftFifteenIsTakenForFourteen) {
  Dialogue d(GetParam());
  d.establish(wscale(15));
  EXPECT_EQ(d.app().info().snd_wnd, 65535U << 14U);
}

TEST_P(Family, WithoutAnOfferWindowsAreNotScaled) {
  Dialogue d(GetParam());
  d.establish();
  EXPECT_EQ(d.app().info().snd_wnd, 65535U);
  d.send(ACK, data("x"));
  d.expect(ACK, ack(2), win(65534));  // the right edge stays until there is a segment's worth more
}

TEST_P(Family, OurWindowIsScaledOnlyBehindTheSyn) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(1000), wscale(0));
  d.expect(SYN | ACK, wscale(3), win(65528));  // 262144 bytes of buffer
  d.send(ACK, seq(1), ack(1), data("x"));
  d.expect(ACK, ack(2), win(262144 >> 3U));
}

TEST_P(Family, TheWindowOfASynAckIsNotScaled) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0), wscale(3), win(65528));
  d.send(SYN | ACK, seq(0), ack(1), mss(512), wscale(7), win(1024));
  d.expect(ACK, seq(1), ack(1), win(262144 >> 3U));
  d.app().send_bytes(4096);
  d.expect(ACK, seq(1), bytes(512));
  d.expect(ACK, seq(513), bytes(512));
  d.expect_silence();
  d.send(ACK, seq(1), ack(1025), win(16));  // now 2048
  for (std::uint32_t i = 0; i < 4; ++i) d.expect(ACK, seq(1025 + 512 * i), bytes(512));
  d.expect_silence();
}

// RFC 7323 2.2: the shift that the SYN|ACK said is the connection's, whatever the listener has come to since.
TEST_P(Family, OurShiftStaysAsTheSynAckSaidIt) {
  for (const std::int64_t rcvbuf : {16'384, 16'777'216}) {
    Dialogue d(GetParam());
    d.send(SYN, mss(1000), wscale(7));
    d.expect(SYN | ACK, seq(0), ack(1), wscale(3));
    constexpr unsigned shift = 3;
    ASSERT_TRUE(d.stack().set_listener(d.listener(), Option::kRcvbuf, rcvbuf));
    d.send(ACK, seq(1), ack(1), data("x"));
    d.expect(ACK, seq(1), ack(2));
    const auto window = std::int64_t{d.peer().last().win} << shift;
    EXPECT_LE(window, rcvbuf);
    EXPECT_GE(window, std::min<std::int64_t>(rcvbuf - 1000, 65535 << shift));
  }
}

}  // namespace sluice::script
