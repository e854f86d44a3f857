// SPDX-License-Identifier: BSD-3-Clause
// Case 131, skipping: TCP is found behind hop-by-hop, destination and spent routing headers.
#include "script/dialogue.h"
#include "script/frames.h"

namespace sluice::script {

TEST(OverIpv6, ExtensionHeadersBeforeTcpAreSkipped) {
  Dialogue d(Ip::kV6);
  const Frame padding{0, 0, 1, 4, 0, 0, 0, 0};  // PadN
  const Frame routing{0, 0, 0, 0, 0, 0, 0, 0};  // no segments left
  d.send_frame(with_ipv6_extension(d.frame(SYN, seq(0), mss(1000)), 0, padding));
  d.expect(SYN | ACK, seq(0), ack(1));
  d.send_frame(with_ipv6_extension(d.frame(ACK, seq(1), ack(1), data("a")), 60, padding));
  d.expect(ACK, ack(2));
  d.send_frame(with_ipv6_extension(d.frame(ACK, seq(2), ack(1), data("b")), 43, routing));
  d.expect(ACK, ack(3));
  Frame both = with_ipv6_extension(d.frame(ACK, seq(3), ack(1), data("c")), 60, padding);
  both = with_ipv6_extension(both, 0, padding);
  d.send_frame(both);
  d.expect(ACK, ack(4));
  EXPECT_EQ(d.app().received(), "abc");
}

}  // namespace sluice::script
