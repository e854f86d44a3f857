// SPDX-License-Identifier: BSD-3-Clause
// What raw_client and flood_client have in common: the far end of a link to the server under test, on DPDK itself, with
// one device of one queue either way. One thread.
#pragma once

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace far_end {

// Of `n` bytes in network order, not folded.
inline std::uint32_t sum16(const void* data, std::size_t n) {
  std::uint32_t sum = 0;
  const auto* p = static_cast<const unsigned char*>(data);
  std::uint16_t word = 0;
  for (; n >= 2; n -= 2, p += 2) {
    std::memcpy(&word, p, 2);
    sum += word;
  }
  if (n != 0) sum += *p;
  return sum;
}
inline std::uint32_t halves(std::uint32_t value) { return (value & 0xffffU) + (value >> 16U); }
// The checksum.
inline std::uint16_t fold(std::uint32_t sum) { return static_cast<std::uint16_t>(~halves(halves(sum))); }

// In host order. Ends `program` if it is none.
inline std::uint32_t parse_ip(const char* program, const char* text) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (std::sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d) != 4) {
    std::fprintf(stderr, "%s: %s is no IPv4 address\n", program, text);
    std::exit(2);
  }
  return a << 24U | b << 16U | c << 8U | d;
}

// An ARP frame as large as the smallest of Ethernet's, `sender` and `target` in host order; null: no buffer.
inline rte_mbuf* arp_frame(rte_mempool* pool, std::uint16_t opcode, const rte_ether_addr& own_mac, std::uint32_t sender,
                           const rte_ether_addr& to, std::uint32_t target) {
  rte_mbuf* m = rte_pktmbuf_alloc(pool);
  if (m == nullptr) return nullptr;
  auto* eth = reinterpret_cast<rte_ether_hdr*>(rte_pktmbuf_append(m, 60));
  if (eth == nullptr) {  // buffers of less than 60 bytes
    rte_pktmbuf_free(m);
    return nullptr;
  }
  std::memset(eth, 0, 60);
  eth->dst_addr = to;
  eth->src_addr = own_mac;
  eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
  auto* arp = reinterpret_cast<rte_arp_hdr*>(eth + 1);
  arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
  arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  arp->arp_hlen = 6;
  arp->arp_plen = 4;
  arp->arp_opcode = rte_cpu_to_be_16(opcode);
  arp->arp_data.arp_sha = own_mac;
  arp->arp_data.arp_sip = rte_cpu_to_be_32(sender);
  arp->arp_data.arp_tip = rte_cpu_to_be_32(target);
  if (opcode == RTE_ARP_OP_REPLY) arp->arp_data.arp_tha = to;
  return m;
}
// Everybody is asked who has `target`.
inline rte_mbuf* arp_request(rte_mempool* pool, const rte_ether_addr& own_mac, std::uint32_t sender, std::uint32_t target) {
  rte_ether_addr everybody;
  std::memset(&everybody, 0xff, sizeof(everybody));
  return arp_frame(pool, RTE_ARP_OP_REQUEST, own_mac, sender, everybody, target);
}

// The one device there is, started, and the pool of its buffers. Null, and said why: there is no device, or not one, or it
// cannot be started.
inline rte_mempool* start_device(const char* program, rte_ether_addr& own_mac) {
  if (rte_eth_dev_count_avail() != 1) {
    std::fprintf(stderr, "%s: needs exactly one device\n", program);
    return nullptr;
  }
  rte_mempool* pool = rte_pktmbuf_pool_create(program, 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  const rte_eth_conf conf{};
  if (pool == nullptr || rte_eth_dev_configure(0, 1, 1, &conf) != 0 ||
      rte_eth_rx_queue_setup(0, 0, 2048, SOCKET_ID_ANY, nullptr, pool) != 0 ||
      rte_eth_tx_queue_setup(0, 0, 2048, SOCKET_ID_ANY, nullptr) != 0 || rte_eth_dev_start(0) != 0) {
    std::fprintf(stderr, "%s: the device cannot be started\n", program);
    return nullptr;
  }
  rte_eth_macaddr_get(0, &own_mac);
  return pool;
}

}  // namespace far_end
