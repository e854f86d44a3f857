// SPDX-License-Identifier: BSD-3-Clause
// What ports do alike with a frame to transmit: put it into one piece, and give it
// back once its bytes have left. Shard thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/buf.h"
#include "base/buf_pool.h"
#include "base/frame.h"

namespace sluice::port {

// Copies a frame with its fragments into one piece and fills in the checksums that
// its flags leave to the device. `out` keeps its capacity.
void linearise(const Buf& frame, std::vector<std::uint8_t>& out);

// Gives back what transmit() was handed, once the bytes have left: the fragments'
// references and the frame itself, whose share of the pool's account the caller of
// transmit() ends with BufPool::disown().
void retire_frame(Buf* frame, BufPool& pool) noexcept;

}  // namespace sluice::port
