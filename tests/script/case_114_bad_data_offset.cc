// SPDX-License-Identifier: BSD-3-Clause
// Case 114: a data offset below 5 or past the end is dropped.
#include "script/dialogue.h"

namespace sluice::script {

TEST_P(Family, BadDataOffsetIsDropped) {
  Dialogue d(GetParam());
  for (const unsigned offset : {0U, 4U, 7U, 15U}) {
    Frame frame = d.frame(SYN, seq(0), mss(1000));  // 24 bytes of header
    frame[d.l4() + 12] = static_cast<std::uint8_t>(offset << 4U);
    fix_checksums(frame, d.l4());
    d.send_frame(frame);
    d.verdict_is(Verdict::kTcpHeaderBad);
  }
  d.expect_silence();
}

TEST_P(Family, SegmentCutOffInItsHeaderIsDropped) {
  Dialogue d(GetParam());
  Frame frame = d.frame(ACK, seq(1), ack(1));
  frame.resize(frame.size() - 2);
  frame[d.v4() ? 17 : 19] = static_cast<std::uint8_t>(frame[d.v4() ? 17 : 19] - 2);
  fix_checksums(frame, d.l4());
  d.send_frame(frame);
  d.verdict_is(Verdict::kTcpHeaderBad);
  d.expect_silence();
}

}  // namespace sluice::script
