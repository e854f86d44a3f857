// SPDX-License-Identifier: BSD-3-Clause
// The packet buffer as everyone but a port sees it (docs/adr/0001-buffers.md): one
// cache line of header that a port keeps beside its own descriptor (the DPDK port in
// the mbuf's private area), so that protocol code touches no DPDK type and payload
// is never copied on its way up. A Buf belongs to one shard at a time.
#pragma once

#include <cstdint>

#include "base/seq_num.h"

namespace sluice {

enum BufFlag : std::uint16_t {
  // received
  kRxIpCsumGood = 1U << 0U,    // the device verified the IPv4 header checksum
  kRxIpCsumBad = 1U << 1U,
  kRxL4CsumGood = 1U << 2U,    // the device verified the TCP checksum
  kRxL4CsumBad = 1U << 3U,
  kRxHash = 1U << 4U,          // `hash` is the Toeplitz hash with our key
  kRxVlan = 1U << 5U,          // the device took the 802.1Q tag off; it is in `vlan_tci`
  kReassembled = 1U << 10U,    // put together from fragments by the stack
  // to transmit
  kTxIpCsum = 1U << 6U,        // the device is to fill in the IPv4 header checksum
  kTxTcpCsum = 1U << 7U,       // the TCP checksum field holds the pseudo-header sum
  // ownership
  kLent = 1U << 8U,            // a device may still be reading it: only its port can free it
  kAppendable = 1U << 9U,      // its queue took it empty: the memory behind its bytes is nobody else's
};

// A stretch of payload that a frame to transmit takes from another buffer.
struct Buf;
struct Fragment {
  Buf* owner;                  // holds the bytes; one reference is taken for the frame
  const std::uint8_t* data;
  std::uint32_t len;           // bytes
};
inline constexpr unsigned kMaxFragments = 20;

struct alignas(64) Buf {
  Buf* next;                   // link of the one queue that the buffer is in
  std::uint8_t* data;          // first byte: of the frame on its way in or out, of payload in a TCP queue
  std::uint32_t len;           // bytes from data
  SeqNum seq;                  // in a TCP queue: sequence number of data[0]
  std::uint8_t* room;          // first byte of the memory
  std::uint32_t room_len;      // bytes of memory from room
  std::uint32_t hash;          // RSS hash, valid with kRxHash
  std::uint16_t flags;         // BufFlag
  std::uint16_t refs;          // owners within the shard; 0 while in a pool
  std::uint16_t vlan_tci;
  std::uint8_t port;           // index of the port that received it
  std::uint8_t n_fragments;    // to transmit: entries of fragments() that follow data[len]
  std::uint16_t l2_len, l3_len;// to transmit with an offload: header lengths in bytes
  std::uint32_t len_total;     // to transmit: len plus the fragments' bytes
  Buf* run_last;               // received ahead of a gap, first of what lies there without another gap: the last of it

  [[nodiscard]] std::uint8_t* end() const noexcept { return data + len; }
  [[nodiscard]] std::uint32_t headroom() const noexcept { return static_cast<std::uint32_t>(data - room); }
  [[nodiscard]] std::uint32_t tailroom() const noexcept { return room_len - headroom() - len; }
  // The fragments of a frame to transmit: kept at the very end of its own memory.
  [[nodiscard]] Fragment* fragments() const noexcept {
    return reinterpret_cast<Fragment*>(room + room_len) - kMaxFragments;
  }
};
static_assert(sizeof(Buf) == 64, "a buffer's header is one cache line");

// Bytes that every buffer's memory has at least, and the headroom that a fresh one starts with:
// Ethernet + 802.1Q + IPv6 + TCP with options fit before the payload.
inline constexpr std::uint32_t kBufRoom = 2048 + 128;
inline constexpr std::uint32_t kBufHeadroom = 128;

}  // namespace sluice
