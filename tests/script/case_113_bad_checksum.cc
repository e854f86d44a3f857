// SPDX-License-Identifier: BSD-3-Clause
// Case 113: a wrong checksum, of TCP or of IPv4, is met with silence.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, BadTcpChecksumIsDropped) {
  Dialogue d(GetParam());
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  frame[d.l4() + 16] ^= 0x01;
  d.send_frame(frame);
  d.verdict_is(Verdict::kTcpChecksumBad);
  d.expect_silence();
}

TEST(OverIpv4, BadHeaderChecksumIsDropped) {
  Dialogue d(Ip::kV4);
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  frame[24] ^= 0x01;
  d.send_frame(frame);
  d.verdict_is(Verdict::kIpv4ChecksumBad);
  d.expect_silence();
}

}  // namespace sluice::script
