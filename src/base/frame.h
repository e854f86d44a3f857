// SPDX-License-Identifier: BSD-3-Clause
// Frames to transmit that refer to payload in other buffers (docs/adr/0001-buffers.md):
// what the stack and the ports do alike with them. Shard thread.
#pragma once

#include <cstdint>

#include "base/buf.h"
#include "base/buf_pool.h"

namespace sluice {

// Payloads up to this many bytes are copied into the frame even where the port gathers: the ADR's figure.
inline constexpr std::uint32_t kCopyBreak = 256;

// Copies the fragments behind the frame's own bytes and releases their owners: the
// frame says the same as before, in one piece. False, and nothing is changed, when
// its memory is too small.
[[nodiscard]] bool linearise_in_place(Buf& frame, BufPool& pool) noexcept;

// Gives up a frame that is the caller's, with its fragments' references: one that was
// never handed to a port, or that transmit() left.
void drop_frame(Buf* frame, BufPool& pool) noexcept;

}  // namespace sluice
