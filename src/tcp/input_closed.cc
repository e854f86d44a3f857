// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/internal.h"

namespace sluice::tcp {

// RFC 9293 3.10.7.1
Verdict on_segment_closed(const Segment& segment, OutSegment& answer) noexcept {
  if (segment.has(kRst)) return Verdict::kClosedRstIgnored;
  reset_for(segment, answer);
  return Verdict::kClosedReset;
}

}  // namespace sluice::tcp
