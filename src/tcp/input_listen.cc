// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/internal.h"

namespace sluice::tcp {

// RFC 9293 3.10.7.2
Verdict on_segment_listen(const Segment& segment) noexcept {
  if (segment.has(kRst)) return Verdict::kListenRstIgnored;  // first
  if (segment.has(kAck)) return Verdict::kListenReset;       // second
  // third; a SYN that also ends the connection opens none
  if (segment.has(kSyn) && !segment.has(kFin)) return Verdict::kListenSyn;
  return Verdict::kListenIgnored;  // fourth
}

}  // namespace sluice::tcp
