// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/internal.h"

namespace sluice::tcp {

Side* need_side(Tcb& tcb, Env& env) noexcept {
  if (tcb.side == kNoIndex) {
    tcb.side = env.sides.take();
    if (tcb.side == kNoIndex) {
      ++env.counters.side_blocks_exhausted;
      return nullptr;
    }
  }
  return &env.sides[tcb.side];
}

void drop_idle_side(Tcb& tcb, Env& env) noexcept {
  if (tcb.side == kNoIndex) return;
  if ((tcb.flags & kFinOutOfOrder) != 0) return;
  const Side& side = env.sides[tcb.side];
  if (side.ooo_head != nullptr || side.has_dsack != 0 || side.n_recent != 0) return;
  env.sides.give(tcb.side);
  tcb.side = kNoIndex;
}

}  // namespace sluice::tcp
