// SPDX-License-Identifier: BSD-3-Clause
// The scoreboard: what the peer says it holds beyond SND.UNA. A few ranges, sorted and
// disjoint, none of which begins at or before SND.UNA.
#include <iterator>

#include "tcp/sending.h"

namespace sluice::tcp {

namespace {

using wire::SackBlock;

void erase(Side& side, unsigned first, unsigned last) noexcept {
  std::copy(side.sacked + last, side.sacked + side.n_sacked, side.sacked + first);
  side.n_sacked = static_cast<std::uint8_t>(side.n_sacked - (last - first));
}

void insert(Side& side, unsigned at, SackBlock block) noexcept {
  if (side.n_sacked == std::size(side.sacked)) {
    if (at == side.n_sacked) return;
    --side.n_sacked;
  }
  std::copy_backward(side.sacked + at, side.sacked + side.n_sacked, side.sacked + side.n_sacked + 1);
  side.sacked[at] = block;
  ++side.n_sacked;
}

}  // namespace

std::uint32_t sack_mark(Side& side, SeqNum left, SeqNum right) noexcept {
  const std::uint32_t news = unsacked(side, left, right);
  if (news == 0) return 0;
  unsigned first = 0;
  while (first < side.n_sacked && side.sacked[first].right.before(left)) ++first;
  unsigned last = first;
  SackBlock block{left, right};
  while (last < side.n_sacked && !side.sacked[last].left.after(right)) {
    block.left = earlier(block.left, side.sacked[last].left);
    block.right = later(block.right, side.sacked[last].right);
    ++last;
  }
  erase(side, first, last);
  insert(side, first, block);
  return news;
}

std::uint32_t sack_note(Tcb& tcb, const wire::TcpOptions& options, Env& env) noexcept {
  std::uint32_t news = 0;
  for (const SackBlock& block : options.sack_blocks()) {
    // D-SACKs, what was acknowledged since, and what was never sent tell nothing here.
    if (!block.left.before(block.right) || !block.left.after(tcb.snd_una) || block.right.after(tcb.snd_nxt)) continue;
    Side* side = need_side(tcb, env);
    if (side == nullptr) return 0;
    news += sack_mark(*side, block.left, block.right);
  }
  return news;
}

void sack_advance(Side& side, SeqNum snd_una) noexcept {
  unsigned gone = 0;
  // A range that SND.UNA cut in two goes whole: a peer that acknowledges less than it holds has thrown it away.
  while (gone < side.n_sacked && !side.sacked[gone].left.after(snd_una)) ++gone;
  erase(side, 0, gone);
}

std::uint32_t unsacked(const Side& side, SeqNum from, SeqNum to) noexcept {
  if (!from.before(to)) return 0;
  std::uint32_t bytes = to - from;
  for (unsigned i = 0; i < side.n_sacked; ++i) {
    const SeqNum left = later(side.sacked[i].left, from);
    const SeqNum right = earlier(side.sacked[i].right, to);
    if (left.before(right)) bytes -= right - left;
  }
  return bytes;
}

// RFC 6675 4, IsLost(): DupThresh ranges, or more than DupThresh - 1 segments' bytes, are marked above.
SeqNum lost_edge(const Side& side, SeqNum snd_una, std::uint32_t smss) noexcept {
  constexpr unsigned kDupThresh = 3;
  std::uint32_t bytes = 0;
  for (unsigned i = side.n_sacked; i-- > 0;) {
    bytes += side.sacked[i].right - side.sacked[i].left;
    if (side.n_sacked - i >= kDupThresh || bytes > (kDupThresh - 1) * smss) return side.sacked[i].left;
  }
  return snd_una;
}

SackBlock next_hole(const Side& side, SeqNum from, SeqNum limit) noexcept {
  for (unsigned i = 0; i < side.n_sacked && from.before(limit); ++i) {
    const SackBlock& mark = side.sacked[i];
    if (from.before(mark.left)) return {from, earlier(mark.left, limit)};
    from = later(from, mark.right);
  }
  return {from, later(from, limit)};
}

}  // namespace sluice::tcp
