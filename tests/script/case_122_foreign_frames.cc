// SPDX-License-Identifier: BSD-3-Clause
// Case 122: a foreign VLAN and an unknown ethertype are dropped.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, ForeignVlanIsDropped) {
  Dialogue d(GetParam());
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  const Frame tag{0x81, 0x00, 0x00, 0x05};
  frame.insert(frame.begin() + 12, tag.begin(), tag.end());
  d.send_frame(frame);
  d.verdict_is(Verdict::kVlanForeign);
  d.expect_silence();
}

TEST_P(Family, UnknownEthertypeIsDropped) {
  Dialogue d(GetParam());
  Frame frame = d.frame(SYN, seq(0), mss(1000));
  frame[12] = 0x88;
  frame[13] = 0xcc;
  d.send_frame(frame);
  d.verdict_is(Verdict::kEtherTypeUnknown);
  d.expect_silence();
}

}  // namespace sluice::script
