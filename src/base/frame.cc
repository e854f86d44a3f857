// SPDX-License-Identifier: BSD-3-Clause
#include "base/frame.h"

#include <cstring>

namespace sluice {

bool linearise_in_place(Buf& frame, BufPool& pool) noexcept {
  // The list lies at the end of the memory that is filled; no byte is written beyond its beginning.
  const Fragment* fragments = frame.fragments();
  std::uint32_t extra = 0;
  for (unsigned i = 0; i < frame.n_fragments; ++i) extra += fragments[i].len;
  const auto* limit = reinterpret_cast<const std::uint8_t*>(fragments);
  if (frame.end() + extra > limit) return false;
  for (unsigned i = 0; i < frame.n_fragments; ++i) {
    std::memcpy(frame.end(), fragments[i].data, fragments[i].len);
    frame.len += fragments[i].len;
    pool.release(fragments[i].owner);
  }
  frame.n_fragments = 0;
  frame.len_total = frame.len;
  return true;
}

void drop_frame(Buf* frame, BufPool& pool) noexcept {
  const Fragment* fragments = frame->fragments();
  for (unsigned i = 0; i < frame->n_fragments; ++i) pool.release(fragments[i].owner);
  frame->n_fragments = 0;
  pool.release(frame);
}

}  // namespace sluice
