// SPDX-License-Identifier: BSD-3-Clause
// Case 121: IP options are skipped, source routes dropped.
#include "script/dialogue.h"
#include "script/frames.h"

namespace sluice::script {

TEST(OverIpv4, OptionsAreSkipped) {
  Dialogue d(Ip::kV4);
  d.send_frame(with_ipv4_options(d.frame(SYN, seq(0), mss(1000)), Frame{1, 1, 1, 1}));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send_frame(with_ipv4_options(d.frame(ACK, seq(1), ack(1), data("x")), Frame{7, 7, 4, 0, 0, 0, 0, 0}));
  d.expect(ACK, ack(2));
  EXPECT_EQ(d.app().received(), "x");
}

TEST(OverIpv4, SourceRoutesAreDropped) {
  Dialogue d(Ip::kV4);
  for (const std::uint8_t kind : {std::uint8_t{131}, std::uint8_t{137}}) {
    d.send_frame(with_ipv4_options(d.frame(SYN, seq(0), mss(1000)), Frame{kind, 7, 4, 10, 0, 0, 9, 0}));
    d.verdict_is(Verdict::kIpv4SourceRoute);
  }
  d.expect_silence();
}

}  // namespace sluice::script
