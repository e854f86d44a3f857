// SPDX-License-Identifier: BSD-3-Clause
// Case 133: over IPv6 the flow label is constant for a flow and differs between flows (RFC 6437); every
// script checks the pseudo-header's checksum.
#include "script/dialogue.h"

namespace sluice::script {

TEST(OverIpv6, FlowLabelIsConstantForAFlow) {
  Dialogue d(Ip::kV6);
  d.establish();
  const std::uint32_t label = d.peer().last().flow_label;
  EXPECT_NE(label, 0U);
  d.app().send("x");
  d.expect(ACK, data("x"));
  EXPECT_EQ(d.peer().last().flow_label, label);
  d.app().abort();
  d.expect(RST | ACK, seq(2));
  EXPECT_EQ(d.peer().last().flow_label, label);
  Peer& other = d.add_peer(40001);
  other.establish();
  EXPECT_NE(other.last().flow_label, label);
}

}  // namespace sluice::script
