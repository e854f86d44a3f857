// SPDX-License-Identifier: BSD-3-Clause
// Case 116: nobody sends from a broadcast, multicast, unspecified, loopback or our own address.
#include "script/dialogue.h"

namespace sluice::script {

TEST(OverIpv4, MartianSourcesAreDropped) {
  Dialogue d(Ip::kV4);
  std::uint16_t port = 41000;
  for (const auto& from : {IpAddress::v4(255, 255, 255, 255), IpAddress::v4(10, 0, 0, 255),
                           IpAddress::v4(224, 0, 0, 1), IpAddress::v4(0, 1, 2, 3), IpAddress::v4(127, 0, 0, 1),
                           IpAddress::v4(10, 0, 0, 1)}) {
    d.add_peer(port++, from).send(SYN, seq(0), mss(1000));
    d.expect_silence();
  }
  EXPECT_EQ(d.count(Verdict::kListenSyn), 0U);
  EXPECT_EQ(d.count(Verdict::kIpSourceOurs), 1U);
  EXPECT_EQ(d.count(Verdict::kIpBroadcast), 1U);
  EXPECT_EQ(d.count(Verdict::kIpv4SourceMartian), 4U);
}

TEST(OverIpv6, MartianSourcesAreDropped) {
  Dialogue d(Ip::kV6);
  std::uint16_t port = 41000;
  for (const char* from : {"::", "::1", "ff02::1", "fd00::1"}) {
    d.add_peer(port++, IpAddress::parse(from).value()).send(SYN, seq(0), mss(1000));
    d.expect_silence();
  }
  d.add_peer(port, IpAddress::v4(10, 0, 0, 2)).send(SYN, seq(0), mss(1000));  // ::ffff:10.0.0.2
  d.expect_silence();
  EXPECT_EQ(d.count(Verdict::kListenSyn), 0U);
  EXPECT_EQ(d.count(Verdict::kIpSourceOurs), 1U);
}

}  // namespace sluice::script
