// SPDX-License-Identifier: BSD-3-Clause
// Case 117: 240/4 is no source.
#include "script/dialogue.h"

namespace sluice::script {

TEST(OverIpv4, ClassESourceIsDropped) {
  Dialogue d(Ip::kV4);
  d.add_peer(41000, IpAddress::v4(240, 0, 0, 1)).send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kIpv4SourceMartian);
  d.add_peer(41001, IpAddress::v4(254, 1, 2, 3)).send(SYN, seq(0), mss(1000));
  d.verdict_is(Verdict::kIpv4SourceMartian);
  d.expect_silence();
}

}  // namespace sluice::script
