// SPDX-License-Identifier: BSD-3-Clause
// Case 120, as far as this version goes: fragments are dropped with a verdict.
#include "script/dialogue.h"
#include "script/frames.h"

namespace sluice::script {

TEST(OverIpv4, FragmentsAreDropped) {
  Dialogue d(Ip::kV4);
  for (const unsigned field : {0x2000U, 0x0002U, 0x2001U}) {
    Frame frame = d.frame(SYN, seq(0), mss(1000));
    frame[20] = static_cast<std::uint8_t>(field >> 8U);
    frame[21] = static_cast<std::uint8_t>(field);
    fix_checksums(frame, 34);
    d.send_frame(frame);
    d.verdict_is(Verdict::kIpv4Fragment);
  }
  d.expect_silence();
}

TEST(OverIpv6, FragmentsAreDropped) {
  Dialogue d(Ip::kV6);
  const Frame frame = d.frame(SYN, seq(0), mss(1000));
  d.send_frame(with_ipv6_extension(frame, 44, Frame{0, 0, 0, 1, 0, 0, 0, 7}));   // the first, more follow
  d.verdict_is(Verdict::kIpv6Fragment);
  d.send_frame(with_ipv6_extension(frame, 44, Frame{0, 0, 0, 16, 0, 0, 0, 7}));  // the last
  d.verdict_is(Verdict::kIpv6Fragment);
  d.expect_silence();
}

}  // namespace sluice::script
