// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/options.h"

#include "sluice/config.h"

namespace sluice::tcp {

// No MTU is so small that the least MSS exceeds it.
static_assert(limits::kMtu.min >= kMinMss + 40);

std::uint16_t effective_mss(const Tcb& tcb, std::uint16_t offered, const Env& env) noexcept {
  const std::uint16_t own = env.of(tcb).mss;
  std::uint16_t mss = offered == 0 ? default_mss(tcb.flow.remote) : offered;
  mss = std::min(mss, env.local_mss[tcb.flow.local_addr]);
  if (own != 0) mss = std::min(mss, own);
  return std::max(mss, kMinMss);
}

}  // namespace sluice::tcp
