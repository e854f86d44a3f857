// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/internal.h"

namespace sluice::tcp {

void finish(Tcb& tcb, Errc error, Env& env) noexcept {
  tcb.t_rexmt = tcb.t_delack = tcb.t_long = Tick{};
  tcb.flags &= ~(kAckNow | kAckDelayed | kAckSecond | kPersist | kMoreOutput | kRttTiming | kPto | kReoTimer);
  // RFC 1122 4.2.3.9: a soft error was only noted; it explains a time-out better than ETIMEDOUT does.
  if (error != Errc::kTimedOut || tcb.error == Errc::kOk) tcb.error = error;
  enter(tcb, State::kClosed, env);
  if ((tcb.flags & kAppClosed) == 0) env.events |= kEventClosed;
}

}  // namespace sluice::tcp
