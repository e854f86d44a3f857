// SPDX-License-Identifier: BSD-3-Clause
// Case 130: Packet Too Big of less than 1280 is discarded (RFC 8201 4).
#include "script/dialogue.h"

namespace sluice::script {

TEST(OverIpv6, PacketTooBigBelowTheLeastMtuIsDiscarded) {
  Dialogue d(Ip::kV6);
  d.establish(mss(1440));
  d.app().send_bytes(1440);
  d.expect(ACK, seq(1), bytes(1440));
  for (const std::uint32_t mtu : {0U, 68U, 1279U}) {
    d.send_too_big(mtu, 1);
    d.verdict_is(Verdict::kIcmpErrorIgnored);
  }
  d.expect_silence();
  d.send_too_big(1280, 1);
  d.verdict_is(Verdict::kIcmpErrorHandled);
  d.expect(ACK, seq(1), bytes(1220));
  d.expect(ACK, seq(1221), bytes(220));
}

}  // namespace sluice::script
