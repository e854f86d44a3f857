// SPDX-License-Identifier: BSD-3-Clause
// Case 124: an ICMP error about a number that is not in flight is ignored (RFC 5927 4.1).
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, IcmpErrorAboutWhatIsNotInFlightIsIgnored) {
  Scene scene;
  scene.listen = false;
  Dialogue d(GetParam(), scene);
  d.connect();
  d.expect(SYN, seq(0));
  const std::uint8_t type = d.v4() ? 3 : 1;
  const std::uint8_t port_unreachable = d.v4() ? 3 : 4;
  d.send_icmp(type, port_unreachable, 1);
  d.verdict_is(Verdict::kIcmpErrorIgnored);
  d.send_icmp(type, port_unreachable, 0xffffffff);
  d.verdict_is(Verdict::kIcmpErrorIgnored);
  d.state_is(State::kSynSent);
}

TEST_P(Family, IcmpErrorAboutNoConnectionIsIgnored) {
  Dialogue d(GetParam());
  Peer& stranger = d.add_peer(40009);
  d.send_icmp(d.v4() ? 3 : 1, 3, 1, &stranger);
  d.verdict_is(Verdict::kIcmpErrorIgnored);
}

}  // namespace sluice::script
