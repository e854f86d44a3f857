// SPDX-License-Identifier: BSD-3-Clause
// Case 124: an ICMP error about a number that is not in flight is ignored (RFC 5927 4.1).
#include <algorithm>

#include "script/dialogue.h"
#include "script/frames.h"
#include "wire/bytes.h"

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

TEST(OverIpv4, Icmpv6ErrorAboutMappedAddressesIsIgnored) {
  Scene scene;
  scene.listen = false;
  Dialogue d(Ip::kV4, scene);
  d.connect();
  d.expect(SYN, seq(0));
  Frame quoted(48);
  quoted[0] = 0x60;
  quoted[5] = 20;
  quoted[6] = 6;
  const IpAddress ours = d.our_address();
  const IpAddress theirs = d.peer_address();
  std::copy(ours.bytes.begin(), ours.bytes.end(), quoted.begin() + 8);
  std::copy(theirs.bytes.begin(), theirs.bytes.end(), quoted.begin() + 24);
  wire::store_be16(&quoted[40], d.peer().local().port);
  wire::store_be16(&quoted[42], d.peer().remote().port);
  wire::store_be32(&quoted[44], d.peer().iss());
  const auto v6 = [](const char* text) { return IpAddress::parse(text).value(); };
  d.send_frame(icmp_frame({d.peer_mac(), d.host().mac(), v6("fd00::2"), v6("fd00::1")}, 1, 4, quoted));
  d.verdict_is(Verdict::kIcmpErrorIgnored);
  d.state_is(State::kSynSent);
}

}  // namespace sluice::script
