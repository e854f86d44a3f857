// SPDX-License-Identifier: BSD-3-Clause
// Case 115: an IP length beyond the frame is dropped; what lies behind the IP length is padding.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, LengthBeyondTheFrameIsDropped) {
  Dialogue d(GetParam());
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  const std::size_t low = d.v4() ? 17 : 19;
  frame[low] = static_cast<std::uint8_t>(frame[low] + 1);
  fix_checksums(frame, d.l4());
  d.send_frame(frame);
  d.verdict_is(d.v4() ? Verdict::kIpv4LengthBad : Verdict::kIpv6LengthBad);
  d.expect_silence();
}

TEST_P(Family, EthernetPaddingIsIgnored) {
  Dialogue d(GetParam());
  d.establish();
  Frame frame = d.frame(ACK, seq(1), ack(1), data("x"));
  frame.insert(frame.end(), 20, 0xee);
  d.send_frame(frame);
  d.expect(ACK, seq(1), ack(2));
  EXPECT_EQ(d.app().received(), "x");
}

}  // namespace sluice::script
