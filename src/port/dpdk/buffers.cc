// SPDX-License-Identifier: BSD-3-Clause
#include "port/dpdk/buffers.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "port/dpdk/eal_log.h"
#include "port/dpdk/mbuf.h"

namespace sluice::port {

namespace {

constexpr unsigned kCache = 256;  // a lcore's cache; small pools get a smaller one
// What a buffer holds beside the IP packet: headroom, Ethernet with two tags, the fragments' list.
constexpr std::uint32_t kBeside = kBufHeadroom + 14 + 2 * 4 + kMaxFragments * sizeof(Fragment);
constexpr std::size_t kBulk = 64;

unsigned cache_size(std::size_t buffers) { return static_cast<unsigned>(std::min<std::size_t>(kCache, buffers / 8)); }

void init_buf(rte_mempool* /*pool*/, void* /*context*/, void* object, unsigned /*index*/) {
  auto* mbuf = static_cast<rte_mbuf*>(object);
  Buf* buf = to_buf(mbuf);
  *buf = Buf{};
  buf->room = static_cast<std::uint8_t*>(mbuf->buf_addr);
  buf->room_len = mbuf->buf_len;
}

// As rte_pktmbuf_pool_create(), but without hugepages objects may cross pages: no device
// reads that memory by physical address, and one object a 4 KiB page would waste 40 % of it.
rte_mempool* make_pool(unsigned n, std::uint16_t room) {
  const unsigned flags = rte_eal_has_hugepages() != 0 ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;
  const auto object = static_cast<unsigned>(sizeof(rte_mbuf) + sizeof(Buf) + room);
  rte_mempool* pool = rte_mempool_create_empty("sluice_buffers", n, object, cache_size(n),
                                               sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, flags);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private layout{};
  layout.mbuf_data_room_size = room;
  layout.mbuf_priv_size = sizeof(Buf);
  rte_pktmbuf_pool_init(pool, &layout);
  if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr) != 0 ||
      rte_mempool_populate_default(pool) < 0) {
    rte_mempool_free(pool);
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

std::size_t mempool_bytes(std::size_t objects, std::size_t object_bytes) {
  // An object's header, and the lines that mempools add to spread objects over memory channels.
  constexpr std::size_t kSpread = 64 + 8 * 64;
  return objects * (object_bytes + kSpread) + std::bit_ceil(objects + 1) * sizeof(void*);
}

}  // namespace

std::uint32_t buffer_room(std::uint16_t mtu) noexcept {
  const std::uint32_t need = kBeside + mtu;
  const std::uint32_t room = std::max(kBufRoom, (need + 63) / 64 * 64);
  return std::min<std::uint32_t>(room, UINT16_MAX / 64 * 64);
}

std::size_t DpdkBuffers::memory_needed(const BufferLimits& limits, std::size_t port_queues) noexcept {
  constexpr std::size_t kBase = 24U << 20U;     // EAL, mempool caches, drivers
  constexpr std::size_t kPerQueue = 1U << 19U;  // descriptor rings
  return kBase + port_queues * kPerQueue +
         mempool_bytes(limits.buffers, sizeof(rte_mbuf) + sizeof(Buf) + buffer_room(limits.mtu)) +
         mempool_bytes(limits.fragments, sizeof(rte_mbuf));
}

Result<std::unique_ptr<DpdkBuffers>> DpdkBuffers::create(const BufferLimits& limits) {
  std::unique_ptr<DpdkBuffers> buffers(new DpdkBuffers);
  clear_dpdk_log();
  const auto n = static_cast<unsigned>(limits.buffers);
  const auto fragments = static_cast<unsigned>(limits.fragments);
  buffers->pool_ = make_pool(n, static_cast<std::uint16_t>(buffer_room(limits.mtu)));
  if (buffers->pool_ != nullptr) {
    buffers->fragment_pool_ =
        rte_pktmbuf_pool_create("sluice_fragments", fragments, cache_size(fragments), 0, 0, SOCKET_ID_ANY);
  }
  if (buffers->fragment_pool_ == nullptr) {
    const std::string reason = dpdk_log_reason();
    return Error{Errc::kNoMemory, "no memory for " + std::to_string(n) + " packet buffers (" +
                                      (reason.empty() ? rte_strerror(rte_errno) : reason) +
                                      "); lower tcp.buffers or tcp.max_connections, or give DPDK more memory"};
  }
  rte_mempool_obj_iter(buffers->pool_, init_buf, nullptr);
  buffers->total_ = limits.buffers;
  buffers->room_ = buffer_room(limits.mtu);
  return buffers;
}

std::uint32_t DpdkBuffers::max_mtu() const noexcept { return room_ - kBeside; }

DpdkBuffers::~DpdkBuffers() {
  rte_mempool_free(fragment_pool_);
  rte_mempool_free(pool_);
}

std::size_t DpdkBuffers::take(std::span<Buf*> out) noexcept {
  std::size_t n = out.size();
  auto** objects = reinterpret_cast<void**>(out.data());
  // A bulk get is all or nothing: near the end of the budget take what single gets find.
  if (rte_mempool_get_bulk(pool_, objects, static_cast<unsigned>(n)) != 0) {
    n = 0;
    while (n < out.size() && rte_mempool_get(pool_, &objects[n]) == 0) ++n;
  }
  for (std::size_t i = 0; i < n; ++i) {
    Buf* buf = to_buf(static_cast<rte_mbuf*>(objects[i]));
    buf->next = nullptr;
    buf->flags = 0;
    buf->refs = 0;
    buf->n_fragments = 0;
    out[i] = buf;
  }
  return n;
}

void DpdkBuffers::give(std::span<Buf* const> bufs) noexcept {
  std::array<void*, kBulk> back;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled up to n
  unsigned n = 0;
  for (Buf* buf : bufs) {
    rte_mbuf* mbuf = to_mbuf(buf);
    if ((buf->flags & kLent) != 0) {
      // Null while a device still reads it: the device's own free brings it home then.
      mbuf = rte_pktmbuf_prefree_seg(mbuf);
      if (mbuf == nullptr) continue;
    }
    DCHECK(rte_mbuf_refcnt_read(mbuf) == 1 && mbuf->nb_segs == 1 && mbuf->next == nullptr);
    back[n++] = mbuf;
    if (n == back.size()) {
      rte_mempool_put_bulk(pool_, back.data(), n);
      n = 0;
    }
  }
  if (n != 0) rte_mempool_put_bulk(pool_, back.data(), n);
}

std::size_t DpdkBuffers::outstanding() const noexcept { return rte_mempool_in_use_count(pool_); }
std::size_t DpdkBuffers::fragments_outstanding() const noexcept { return rte_mempool_in_use_count(fragment_pool_); }

}  // namespace sluice::port
