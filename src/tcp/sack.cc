// SPDX-License-Identifier: BSD-3-Clause
// The blocks of an acknowledgment (RFC 2018, RFC 2883): which of them can be true, and
// which tells of a duplicate. What they report is kept in the send map.
#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

using wire::SackBlock;

// RFC 2883 4: the first block tells of a duplicate when it lies below the acknowledgment or within the second.
// One about what we cannot have sent lately is nonsense.
bool is_dsack(const Tcb& tcb, std::span<const SackBlock> blocks) noexcept {
  const SackBlock& first = blocks[0];
  const std::uint32_t reach = std::uint32_t{tcb.max_snd_wnd} << tcb.snd_wscale;
  if (!first.left.before(first.right) || first.left.before(tcb.snd_una - reach)) return false;
  if (!first.right.after(tcb.snd_una)) return true;
  if (blocks.size() < 2) return false;
  const SackBlock& second = blocks[1];
  return !first.left.before(second.left) && !first.right.after(second.right) && !second.right.after(tcb.snd_nxt);
}

}  // namespace

void sack_note(Tcb& tcb, const Segment& segment, AckNews& news, Env& env) noexcept {
  const std::span<const SackBlock> blocks = segment.options->sack_blocks();
  if (blocks.empty() || (tcb.flags & kSackOk) == 0) return;
  if (is_dsack(tcb, blocks)) {
    news.has_dsack = true;
    news.dsack = blocks[0];
    ++env.counters.dsacks_received;
  }
  for (const SackBlock& block : blocks) {
    // What was acknowledged since, and what was never sent, tells nothing here.
    if (!block.left.before(block.right) || !block.left.after(tcb.snd_una) || block.right.after(tcb.snd_nxt)) continue;
    SendMap* map = need_map(tcb, env);
    if (map == nullptr) {
      news.unmapped = true;
      return;
    }
    flight_reported(tcb, *map, block, segment, news, env);
  }
}

}  // namespace sluice::tcp
