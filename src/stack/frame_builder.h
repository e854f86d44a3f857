// SPDX-License-Identifier: BSD-3-Clause
// From an OutSegment to a frame: headers into a fresh buffer, payload copied when it is
// small or the port cannot gather, else left where it is and referred to
// (docs/adr/0001-buffers.md). Checksums here or by the device. Shard thread.
#pragma once

#include <cstdint>

#include "base/buf_pool.h"
#include "stack/interface.h"
#include "tcp/flow_id.h"
#include "tcp/segment.h"

namespace sluice::stack {

// Payloads up to this many bytes are copied into the frame even where the port gathers: the
// ADR's figure, which ports use for frames of other makers too.
inline constexpr std::uint32_t kCopyBreak = 256;

// The frame lacks its destination MAC (the first six bytes), which the neighbour cache
// supplies. Null when there is no buffer.
[[nodiscard]] Buf* build_frame(const tcp::OutSegment& segment, const tcp::FlowId& flow, const IpAddress& local,
                               const InterfaceConfig& interface, std::uint16_t ip_id, BufPool& bufs) noexcept;

// Copies fragments into the frame itself; what does not fit (a frame larger than a buffer cannot be built) is cut.
void linearise(Buf* frame, BufPool& bufs) noexcept;
// Gives a frame back that no port took, with its hold on others' buffers.
void release_frame(Buf* frame, BufPool& bufs) noexcept;

}  // namespace sluice::stack
