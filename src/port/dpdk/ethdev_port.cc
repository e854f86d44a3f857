// SPDX-License-Identifier: BSD-3-Clause
// The packet path of a DPDK port; ethdev_setup.cc has the rest.
#include "port/dpdk/ethdev_port.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "port/dpdk/mbuf.h"
#include "port/frame.h"

namespace sluice::port {

namespace {

constexpr std::uint64_t kNotPlain = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

std::uint16_t receive_flags(std::uint64_t ol_flags) noexcept {
  std::uint16_t flags = 0;
  const std::uint64_t ip = ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  const std::uint64_t l4 = ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  // NONE: the field is not filled in, but the packet never left memory (virtio): as good as checked.
  if (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE) flags |= kRxIpCsumGood;
  if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD) flags |= kRxIpCsumBad;
  if (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE) flags |= kRxL4CsumGood;
  if (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD) flags |= kRxL4CsumBad;
  if ((ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) flags |= kRxVlan;
  return flags;
}

// What a device must be told about the headers of a frame whose checksums it fills in.
void request_offloads(rte_mbuf* mbuf, const Buf* frame) noexcept {
  mbuf->tx_offload = 0;
  mbuf->l2_len = frame->l2_len;
  mbuf->l3_len = frame->l3_len;
  const std::uint8_t* ip = frame->data + frame->l2_len;
  std::uint64_t flags = (ip[0] >> 4U) == 6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
  if ((frame->flags & kTxIpCsum) != 0) flags |= RTE_MBUF_F_TX_IP_CKSUM;
  if ((frame->flags & kTxTcpCsum) != 0) {
    flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    mbuf->l4_len = static_cast<std::uint64_t>(ip[frame->l3_len + 12] >> 4U) * 4;
  }
  mbuf->ol_flags = flags;
}

// Takes a prepared frame apart again: the device did not want it.
void take_apart(rte_mbuf* head) noexcept {
  rte_mbuf* segment = head->next;
  if (segment == nullptr) return;
  while (segment != nullptr) {
    rte_mbuf* next = segment->next;
    segment->next = nullptr;
    rte_pktmbuf_free_seg(segment);
    segment = next;
  }
  head->next = nullptr;
  head->nb_segs = 1;
}

}  // namespace

std::size_t DpdkPort::receive(unsigned queue, std::span<Buf*> out, Instant /*now*/) noexcept {
  constexpr std::size_t kAhead = 4;
  Queue& q = queues_[queue];
  // The mbufs' pointers become Bufs' in place.
  auto** mbufs = reinterpret_cast<rte_mbuf**>(out.data());
  const std::size_t room = std::min<std::size_t>(out.size(), UINT16_MAX);
  const std::size_t n =
      rte_eth_rx_burst(id_, static_cast<std::uint16_t>(queue), mbufs, static_cast<std::uint16_t>(room));
  for (std::size_t i = 0; i < std::min(n, kAhead); ++i) {
    rte_prefetch0(to_buf(mbufs[i]));
    rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kAhead < n) {
      rte_prefetch0(to_buf(mbufs[i + kAhead]));
      rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + kAhead], void*));
    }
    Buf* buf = adopt(q, mbufs[i]);
    if (buf != nullptr) out[kept++] = buf;
  }
  return kept;
}

// A received mbuf as a Buf that the shard alone owns; null when it had to be dropped.
Buf* DpdkPort::adopt(Queue& queue, rte_mbuf* mbuf) noexcept {
  if (mbuf->nb_segs != 1 || mbuf->pool != buffers_->pool() || (mbuf->ol_flags & kNotPlain) != 0 ||
      rte_mbuf_refcnt_read(mbuf) != 1) [[unlikely]] {
    mbuf = own_in_one_piece(queue, mbuf);
    if (mbuf == nullptr) return nullptr;
  }
  Buf* buf = to_buf(mbuf);
  buf->next = nullptr;
  buf->data = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  buf->len = mbuf->data_len;
  buf->flags = receive_flags(mbuf->ol_flags);
  if (capabilities_.rx_hash && (mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0) {
    buf->flags |= kRxHash;
    buf->hash = mbuf->hash.rss;
  }
  buf->refs = 1;
  buf->vlan_tci = mbuf->vlan_tci;
  buf->port = index_;
  buf->n_fragments = 0;
  return buf;
}

// Chains, mbufs of strange pools and mbufs that somebody else still reads (net_ring
// passes on what its other end sent) are copied into a buffer of our own.
rte_mbuf* DpdkPort::own_in_one_piece(Queue& queue, rte_mbuf* mbuf) noexcept {
  rte_mbuf* copy = nullptr;
  if (mbuf->pkt_len > buffers_->room() - kBufHeadroom) {
    count(queue.rx_unusable);
  } else if (copy = rte_mbuf_raw_alloc(buffers_->pool()); copy == nullptr) {
    count(queue.rx_no_buffer);
  } else {
    copy->data_off = kBufHeadroom;
    auto* to = rte_pktmbuf_mtod(copy, std::uint8_t*);
    for (const rte_mbuf* part = mbuf; part != nullptr; part = part->next) {
      std::memcpy(to, rte_pktmbuf_mtod(part, const std::uint8_t*), part->data_len);
      to += part->data_len;
    }
    copy->data_len = static_cast<std::uint16_t>(mbuf->pkt_len);
    copy->pkt_len = mbuf->pkt_len;
    copy->ol_flags = mbuf->ol_flags & ~kNotPlain;
    copy->hash = mbuf->hash;
    copy->vlan_tci = mbuf->vlan_tci;
    std::memcpy(copy->dynfield1, mbuf->dynfield1, sizeof copy->dynfield1);
  }
  rte_pktmbuf_free(mbuf);
  return copy;
}

std::size_t DpdkPort::transmit(unsigned queue, std::span<Buf* const> frames, BufPool& pool, Instant /*now*/) noexcept {
  std::size_t done = 0;
  while (done < frames.size()) {
    const auto burst = frames.subspan(done, std::min(kBurst, frames.size() - done));
    const std::size_t sent = transmit_burst(queues_[queue], queue, burst, pool);
    done += sent;
    if (sent < burst.size()) break;
  }
  return done;
}

// At most kBurst frames; returns how many of them are no longer the caller's.
std::size_t DpdkPort::transmit_burst(Queue& queue, unsigned index, std::span<Buf* const> frames,
                                     BufPool& pool) noexcept {
  std::array<rte_mbuf*, kBurst> mbufs;           // NOLINT(cppcoreguidelines-pro-type-member-init): filled up to n
  std::array<std::uint16_t, kBurst + 1> owners;  // NOLINT(cppcoreguidelines-pro-type-member-init): likewise
  std::uint16_t n = 0;
  std::uint16_t n_owners = 0;
  for (Buf* frame : frames) {
    DCHECK(frame->refs == 1);
    if (!prepare(frame, pool)) [[unlikely]]
      break;
    owners[n] = n_owners;
    for (unsigned i = 0; i < frame->n_fragments; ++i) queue.owners[n_owners++] = frame->fragments()[i].owner;
    mbufs[n++] = to_mbuf(frame);
  }
  owners[n] = n_owners;

  std::uint16_t fit = n;
  if (tx_prepare_) fit = rte_eth_tx_prepare(id_, static_cast<std::uint16_t>(index), mbufs.data(), n);
  const std::uint16_t sent = rte_eth_tx_burst(id_, static_cast<std::uint16_t>(index), mbufs.data(), fit);
  for (std::uint16_t i = 0; i < owners[sent]; ++i) pool.release(queue.owners[i]);
  for (std::uint16_t i = sent; i < n; ++i) take_apart(mbufs[i]);
  if (sent == fit && fit < frames.size()) [[unlikely]] {
    // The next frame is one that can never leave: too long for its buffer or refused by the
    // driver. Dropping it keeps the queue moving.
    retire_frame(frames[sent], pool);
    count(queue.tx_dropped);
    return sent + 1U;
  }
  return sent;
}

// Makes the frame's mbuf, and the chain behind it, say what the Buf says.
bool DpdkPort::prepare(Buf* frame, BufPool& pool) noexcept {
  if (frame->n_fragments != 0) {
    const bool is_small = frame->len_total - frame->len <= copy_break_ && linearise_in_place(*frame, pool);
    if (!is_small && (frame->n_fragments >= max_segments_ || !attach_fragments(frame)) &&
        !linearise_in_place(*frame, pool)) {
      return false;
    }
  }
  rte_mbuf* mbuf = to_mbuf(frame);
  mbuf->data_off = static_cast<std::uint16_t>(frame->headroom());
  mbuf->data_len = static_cast<std::uint16_t>(frame->len);
  mbuf->pkt_len = frame->n_fragments == 0 ? frame->len : frame->len_total;
  mbuf->ol_flags = 0;
  if ((frame->flags & (kTxIpCsum | kTxTcpCsum)) != 0) request_offloads(mbuf, frame);
  return true;
}

// Each fragment becomes an indirect mbuf that holds a reference on its owner's; only
// their addresses are handed out, the payload itself is shared and read-only from now on.
bool DpdkPort::attach_fragments(Buf* frame) noexcept {
  std::array<rte_mbuf*, kMaxFragments> segments;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled up to n
  const unsigned n = frame->n_fragments;
  if (rte_mempool_get_bulk(buffers_->fragment_pool(), reinterpret_cast<void**>(segments.data()), n) != 0) return false;
  rte_mbuf* last = to_mbuf(frame);
  const Fragment* fragments = frame->fragments();
  for (unsigned i = 0; i < n; ++i) {
    rte_mbuf* owner = to_mbuf(fragments[i].owner);
    fragments[i].owner->flags |= kLent;
    rte_mbuf_refcnt_update(owner, 1);
    rte_mbuf* segment = segments[i];
    segment->buf_addr = owner->buf_addr;
    rte_mbuf_iova_set(segment, rte_mbuf_iova_get(owner));
    segment->buf_len = owner->buf_len;
    segment->priv_size = owner->priv_size;
    segment->ol_flags = RTE_MBUF_F_INDIRECT;
    segment->data_off = static_cast<std::uint16_t>(fragments[i].data - static_cast<std::uint8_t*>(owner->buf_addr));
    segment->data_len = static_cast<std::uint16_t>(fragments[i].len);
    segment->pkt_len = fragments[i].len;
    last->next = segment;
    last = segment;
  }
  last->next = nullptr;
  to_mbuf(frame)->nb_segs = static_cast<std::uint16_t>(n + 1);
  return true;
}

std::optional<std::int64_t> DpdkPort::capture_time_us(Buf* frame) const noexcept {
  const rte_mbuf* mbuf = to_mbuf(frame);
  if (timestamp_offset_ < 0 || (mbuf->ol_flags & timestamp_flag_) == 0) return std::nullopt;
  return static_cast<std::int64_t>(*RTE_MBUF_DYNFIELD(mbuf, timestamp_offset_, const rte_mbuf_timestamp_t*));
}

}  // namespace sluice::port
