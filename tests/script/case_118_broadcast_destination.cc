// SPDX-License-Identifier: BSD-3-Clause
// Case 118: TCP to a group, on either layer, is dropped.
#include "script/dialogue.h"
#include <algorithm>

namespace sluice::script {

TEST_P(Family, UnicastPacketInABroadcastFrameIsDropped) {
  Dialogue d(GetParam());
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  std::fill_n(frame.begin(), 6, 0xff);
  d.send_frame(frame);
  d.verdict_is(Verdict::kIpBroadcast);
  d.expect_silence();
}

TEST(OverIpv4, GroupDestinationsAreDropped) {
  Dialogue d(Ip::kV4);
  for (const auto& to :
       {IpAddress::v4(10, 0, 0, 255), IpAddress::v4(255, 255, 255, 255), IpAddress::v4(224, 0, 0, 1)}) {
    Frame frame = d.frame(SYN, seq(0), mss(1000));
    std::copy_n(to.bytes.begin() + 12, 4, frame.begin() + 30);
    fix_checksums(frame, 34);
    d.send_frame(frame);
    d.verdict_is(Verdict::kIpBroadcast);
  }
  d.expect_silence();
}

TEST(OverIpv6, GroupDestinationsAreDropped) {
  Dialogue d(Ip::kV6);
  const IpAddress all_nodes = IpAddress::parse("ff02::1").value();
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  std::copy_n(all_nodes.bytes.begin(), 16, frame.begin() + 38);
  fix_checksums(frame, 54);
  d.send_frame(frame);
  d.verdict_is(Verdict::kIpBroadcast);
  d.expect_silence();
}

}  // namespace sluice::script
