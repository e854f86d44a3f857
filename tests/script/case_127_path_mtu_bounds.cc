// SPDX-License-Identifier: BSD-3-Clause
// Case 127: an MTU below the floor is clamped, one above the current ignored; a number not in flight proves
// a liar (RFC 5927 7).
#include "script/dialogue.h"

namespace sluice::script {

TEST(OverIpv4, TinyMtuIsClamped) {
  for (const std::uint32_t mtu : {1U, 68U, 551U, 552U}) {
    Dialogue d(Ip::kV4);
    d.establish(mss(1460));
    d.app().send_bytes(1000);
    d.expect(ACK, seq(1), bytes(1000));
    d.send_too_big(mtu, 1);
    d.expect(ACK, seq(1), bytes(512));
    d.expect(ACK, seq(513), bytes(488));
  }
}

TEST(OverIpv4, MessageWithoutAnMtuMeansTheNextPlateau) {  // RFC 1191 5
  Dialogue d(Ip::kV4);
  d.establish(mss(1460));
  d.app().send_bytes(1460);
  d.expect(ACK, seq(1), bytes(1460));
  d.send_too_big(0, 1);
  d.expect(ACK, seq(1), bytes(1452));
  d.expect(ACK, seq(1453), bytes(8));
}

TEST_P(Family, LargerMtuIsIgnored) {
  Dialogue d(GetParam());
  d.establish(mss(1000));
  d.app().send_bytes(1000);
  d.expect(ACK, seq(1), bytes(1000));
  const std::uint32_t now = 1000 + (d.v4() ? 40 : 60);
  for (const std::uint32_t mtu : {std::max(now, 1280U), 1500U, 9000U, 65535U}) {
    d.send_too_big(mtu, 1);
    d.verdict_is(Verdict::kIcmpErrorIgnored);
  }
  d.expect_silence();
}

TEST_P(Family, MtuOfWhatIsNotInFlightIsIgnored) {
  Dialogue d(GetParam());
  d.establish(mss(d.our_mss()));
  d.app().send_bytes(d.our_mss());
  d.expect(ACK, seq(1), bytes(d.our_mss()));
  for (const std::uint32_t about : {0U, 1 + d.our_mss(), 0x80000000U}) {
    d.send_too_big(1300, about);
    d.verdict_is(Verdict::kIcmpErrorIgnored);
  }
  d.expect_silence();
}

}  // namespace sluice::script
