// SPDX-License-Identifier: BSD-3-Clause
// From an OutSegment to a frame: headers into a fresh buffer, payload copied when it is
// small or the port cannot gather, else left where it is and referred to
// (docs/adr/0001-buffers.md). Checksums here or by the device. Shard thread.
#pragma once

#include <cstdint>

#include "base/buf_pool.h"
#include "stack/interface.h"
#include "tcp/flow_id.h"
#include "tcp/params.h"
#include "tcp/segment.h"

namespace sluice::stack {

// The frame lacks its destination MAC (the first six bytes), which the neighbour cache
// supplies. Null when there is no buffer.
[[nodiscard]] Buf* build_frame(const tcp::OutSegment& segment, const tcp::FlowId& flow, tcp::IpFields ip, const FrameOrigin& from,
                               std::uint16_t ip_id, BufPool& bufs) noexcept;

}  // namespace sluice::stack
