// SPDX-License-Identifier: BSD-3-Clause
// Buf and mbuf are neighbours: rte_mbuf (two cache lines), Buf (one), memory. Each is
// found from the other by arithmetic. Inside src/port/dpdk only.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "base/buf.h"

namespace sluice::port {

static_assert(sizeof(rte_mbuf) == 2 * RTE_CACHE_LINE_MIN_SIZE, "Buf follows the mbuf on a cache line of its own");
static_assert(alignof(Buf) == RTE_CACHE_LINE_MIN_SIZE, "mempool objects are aligned to cache lines");
static_assert(sizeof(Buf) % RTE_MBUF_PRIV_ALIGN == 0, "a private area's size is a multiple of this");
static_assert(RTE_PKTMBUF_HEADROOM == kBufHeadroom, "devices receive where BufPool puts a fresh buffer's data");

inline Buf* to_buf(rte_mbuf* mbuf) noexcept { return reinterpret_cast<Buf*>(mbuf + 1); }
inline rte_mbuf* to_mbuf(Buf* buf) noexcept { return reinterpret_cast<rte_mbuf*>(buf) - 1; }

}  // namespace sluice::port
