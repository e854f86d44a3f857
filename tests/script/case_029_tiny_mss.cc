// SPDX-License-Identifier: BSD-3-Clause
// Case 29: an MSS of 0 or next to nothing is not believed.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, TinyMssIsClamped) {
  for (const std::uint32_t offered : {1U, 63U}) {
    Dialogue d(GetParam());
    d.send(SYN, seq(0), mss(offered));
    d.expect(SYN | ACK, seq(0), ack(1));
    d.send(ACK, seq(1), ack(1));
    d.app().send_bytes(128);
    d.expect(ACK, seq(1), bytes(64));
    d.expect(ACK, seq(65), bytes(64));
  }
}

TEST_P(Family, MssOfZeroIsNone) {
  Dialogue d(GetParam());
  d.send(SYN, seq(0), mss(0));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send(ACK, seq(1), ack(1));
  const std::uint32_t size = d.v4() ? 536 : 1220;
  d.app().send_bytes(size);
  d.expect(ACK, seq(1), bytes(size));
}

// Also with the longest options, and whatever the peer offers.
TEST(OverIpv4, NoPacketExceedsTheLeastMtu) {
  Scene scene;
  scene.host.mtu = static_cast<std::uint16_t>(limits::kMtu.min);
  Dialogue d(Ip::kV4, scene);
  const auto at_most_the_mtu = [&](std::size_t frames) {
    const auto sent = d.host().take_sent();
    EXPECT_GE(sent.size(), frames);
    for (const Frame& frame : sent) EXPECT_LE(frame.size(), 14U + scene.host.mtu);
  };
  d.establish(mss(1460), sack_permitted(), timestamps());
  for (const std::uint32_t at : {101U, 201U, 301U, 401U}) {
    d.host().receive(d.frame(ACK, seq(at), ack(1), data("x")), d.now());
  }
  std::string text(1000, 'y');
  (void)d.app().connection().send(std::as_bytes(std::span(text)));
  at_most_the_mtu(5);
}

}  // namespace sluice::script
