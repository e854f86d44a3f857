// SPDX-License-Identifier: BSD-3-Clause
// A client without a TCP state machine, so that the server's core is the limit: every
// answer it makes is computed from the frame it answers, in that frame's own buffer.
// A connection is three packets each way:
//   SYN ->   <- SYN|ACK   ACK+request ->   <- response+FIN   FIN|ACK ->   <- ACK
// The last one becomes the next connection's SYN, so `--window` connections are always open.
// For servers that end their FIN in a segment of its own the response is passed over.
// With `--pump 1` it sends every frame straight back, for the floor: testpmd's 5tswap on the other end.
//   raw_client EAL-ARGUMENTS -- --server 10.78.0.1 --gateway 10.78.0.254 [--port 80]
//              [--window 512] [--warmup 1] [--seconds 5] [--rounds 3]
// It prints a line of JSON a round, and stays at rest until its standard input ends: the server is to end a link of memif
// first (docs/devices.md).
#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "far_end.h"

namespace {

using namespace far_end;

constexpr char kProgram[] = "raw_client";
constexpr std::uint16_t kBurst = 64;
constexpr char kRequest[] = "GET / HTTP/1.0\r\n\r\n";
constexpr std::uint16_t kRequestLen = sizeof(kRequest) - 1;

struct Options {
  std::uint32_t server = 0;    // host order, like all addresses here
  std::uint32_t gateway = 0;   // what we answer ARP for
  std::uint32_t first = 0;     // clients' addresses count up from here
  std::uint32_t addresses = 60000;
  std::uint16_t port = 80;
  unsigned window = 512;
  unsigned warmup = 1, seconds = 5, rounds = 3;
  bool pump = false;
};

struct Counts {
  std::uint64_t completed = 0, opened = 0, resets = 0, other = 0, rx = 0, tx = 0;
};

Options options;
Counts counts;
rte_ether_addr own_mac;
rte_ether_addr server_mac;
bool server_known = false;
std::uint64_t next_flow = 0;
std::uint32_t request_sum = 0;

// Where the headers lie in a frame without options; DPDK's structs are packed themselves.
struct Frame {
  rte_ether_hdr eth;
  rte_ipv4_hdr ip;
  rte_tcp_hdr tcp;
};
static_assert(sizeof(Frame) == 54);

// Headers for a segment of `len` payload bytes whose sum is `payload_sum`; addresses and
// ports are in the frame already (network order).
void finish(rte_mbuf* m, std::uint32_t seq, std::uint32_t ack, std::uint8_t flags, std::uint16_t len,
            std::uint32_t payload_sum) {
  auto* f = rte_pktmbuf_mtod(m, Frame*);
  f->eth.dst_addr = server_mac;
  f->eth.src_addr = own_mac;
  f->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  f->ip.version_ihl = 0x45;
  f->ip.type_of_service = 0;
  f->ip.total_length = rte_cpu_to_be_16(static_cast<std::uint16_t>(40 + len));
  f->ip.packet_id = 0;
  f->ip.fragment_offset = rte_cpu_to_be_16(0x4000);
  f->ip.time_to_live = 64;
  f->ip.next_proto_id = IPPROTO_TCP;
  f->ip.hdr_checksum = 0;
  f->tcp.sent_seq = rte_cpu_to_be_32(seq);
  f->tcp.recv_ack = rte_cpu_to_be_32(ack);
  f->tcp.data_off = 0x50;
  f->tcp.tcp_flags = flags;
  f->tcp.rx_win = rte_cpu_to_be_16(65535);
  f->tcp.cksum = 0;
  f->tcp.tcp_urp = 0;
  const std::uint32_t addresses = sum16(&f->ip.src_addr, 8);
  f->ip.hdr_checksum = fold(sum16(&f->ip, 12) + addresses);
  f->tcp.cksum = fold(addresses + rte_cpu_to_be_16(IPPROTO_TCP) + rte_cpu_to_be_16(static_cast<std::uint16_t>(20 + len)) +
                      sum16(&f->tcp, 20) + payload_sum);
  m->data_len = static_cast<std::uint16_t>(54 + len);
  m->pkt_len = m->data_len;
  m->ol_flags = 0;
}

void make_syn(rte_mbuf* m) {
  auto* f = rte_pktmbuf_mtod(m, Frame*);
  const std::uint64_t flow = next_flow++;
  // Addresses go round before ports, so that a four-tuple comes again as late as can be.
  f->ip.src_addr = rte_cpu_to_be_32(options.first + static_cast<std::uint32_t>(flow % options.addresses));
  f->ip.dst_addr = rte_cpu_to_be_32(options.server);
  f->tcp.src_port = rte_cpu_to_be_16(static_cast<std::uint16_t>(1024 + (flow / options.addresses) % 64000));
  f->tcp.dst_port = rte_cpu_to_be_16(options.port);
  // The low half is zero, so that an acknowledgment tells what it is about.
  finish(m, static_cast<std::uint32_t>(flow * 2654435761U) & 0xffff0000U, 0, RTE_TCP_SYN_FLAG, 0, 0);
  ++counts.opened;
}

// What the received frame asks for, in its own buffer; false: nothing is to be sent.
bool answer_tcp(rte_mbuf* m) {
  auto* f = rte_pktmbuf_mtod(m, Frame*);
  const std::uint8_t flags = f->tcp.tcp_flags;
  const std::uint32_t seq = rte_be_to_cpu_32(f->tcp.sent_seq);
  const std::uint32_t ack = rte_be_to_cpu_32(f->tcp.recv_ack);
  const auto header = static_cast<std::uint32_t>(f->tcp.data_off >> 4U) * 4U;
  const std::uint32_t len = rte_be_to_cpu_16(f->ip.total_length) - 20U - header;
  if ((flags & RTE_TCP_RST_FLAG) != 0) {
    ++counts.resets;
    make_syn(m);
    return true;
  }
  if ((flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG)) == 0) {
    if (len != 0) return false;  // the response; its FIN follows
    // The ACK of the request alone may come before the response; that of our FIN is the last word.
    if ((ack & 0xffffU) != kRequestLen + 2U) return false;
    ++counts.completed;
    make_syn(m);
    return true;
  }
  const rte_be32_t src = f->ip.src_addr;
  f->ip.src_addr = f->ip.dst_addr;
  f->ip.dst_addr = src;
  const rte_be16_t port = f->tcp.src_port;
  f->tcp.src_port = f->tcp.dst_port;
  f->tcp.dst_port = port;
  if ((flags & RTE_TCP_SYN_FLAG) != 0) {
    std::memcpy(f + 1, kRequest, kRequestLen);
    finish(m, ack, seq + 1, RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, kRequestLen, request_sum);
    return true;
  }
  finish(m, ack, seq + len + 1, RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG, 0, 0);
  return true;
}

bool answer_arp(rte_mbuf* m) {
  auto* eth = rte_pktmbuf_mtod(m, rte_ether_hdr*);
  auto* arp = reinterpret_cast<rte_arp_hdr*>(eth + 1);
  const std::uint32_t sender = rte_be_to_cpu_32(arp->arp_data.arp_sip);
  if (sender == options.server) {
    server_mac = arp->arp_data.arp_sha;
    server_known = true;
  }
  if (arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST)) return false;
  const std::uint32_t target = rte_be_to_cpu_32(arp->arp_data.arp_tip);
  const bool ours = target == options.gateway || target - options.first < options.addresses;
  if (!ours) return false;
  arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
  arp->arp_data.arp_tha = arp->arp_data.arp_sha;
  arp->arp_data.arp_tip = arp->arp_data.arp_sip;
  arp->arp_data.arp_sha = own_mac;
  arp->arp_data.arp_sip = rte_cpu_to_be_32(target);
  eth->dst_addr = eth->src_addr;
  eth->src_addr = own_mac;
  return true;
}

bool answer(rte_mbuf* m) {
  ++counts.rx;
  if (options.pump) {
    ++counts.completed;
    return true;
  }
  const auto* eth = rte_pktmbuf_mtod(m, const rte_ether_hdr*);
  if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) return answer_arp(m);
  const auto* f = rte_pktmbuf_mtod(m, const Frame*);
  if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && f->ip.next_proto_id == IPPROTO_TCP) {
    return answer_tcp(m);
  }
  ++counts.other;
  return false;
}

void send_all(std::array<rte_mbuf*, kBurst>& frames, std::uint16_t n) {
  std::uint16_t done = 0;
  const std::uint64_t give_up = rte_rdtsc() + rte_get_tsc_hz() / 100;
  while (done < n) {
    done = static_cast<std::uint16_t>(done + rte_eth_tx_burst(0, 0, frames.data() + done, static_cast<std::uint16_t>(n - done)));
    if (rte_rdtsc() > give_up) break;
  }
  counts.tx += done;
  for (; done < n; ++done) rte_pktmbuf_free(frames[done]);
}

void turn() {
  std::array<rte_mbuf*, kBurst> frames{};
  std::array<rte_mbuf*, kBurst> out{};
  const std::uint16_t n = rte_eth_rx_burst(0, 0, frames.data(), kBurst);
  std::uint16_t m = 0;
  for (std::uint16_t i = 0; i < n; ++i) rte_prefetch0(rte_pktmbuf_mtod(frames[i], void*));
  for (std::uint16_t i = 0; i < n; ++i) {
    if (answer(frames[i])) {
      out[m++] = frames[i];
    } else {
      rte_pktmbuf_free(frames[i]);
    }
  }
  if (m != 0) send_all(out, m);
}

void ask_for_server(rte_mempool* pool) {
  rte_mbuf* m = arp_request(pool, own_mac, options.gateway, options.server);
  if (m == nullptr) return;
  std::array<rte_mbuf*, kBurst> out{m};
  send_all(out, 1);
}

void open_some(rte_mempool* pool, unsigned n) {
  while (n != 0) {
    std::array<rte_mbuf*, kBurst> out{};
    std::uint16_t k = 0;
    for (; k < kBurst && k < n; ++k) {
      out[k] = rte_pktmbuf_alloc(pool);
      if (out[k] == nullptr) break;
      make_syn(out[k]);
    }
    if (k == 0) return;
    send_all(out, k);
    n -= k;
    turn();
  }
}

// Runs for `seconds`; connections that got lost on the way are replaced.
void run_for(rte_mempool* pool, double seconds) {
  const std::uint64_t hz = rte_get_tsc_hz();
  const std::uint64_t end = rte_rdtsc() + static_cast<std::uint64_t>(seconds * static_cast<double>(hz));
  std::uint64_t check = rte_rdtsc() + hz / 2;
  std::uint64_t completed = counts.completed;
  while (true) {
    for (int i = 0; i < 64; ++i) turn();
    const std::uint64_t now = rte_rdtsc();
    if (now >= end) return;
    if (now >= check) {
      if (counts.completed == completed) open_some(pool, options.window);  // everything in flight was lost
      completed = counts.completed;
      check = now + hz / 2;
    }
  }
}

void parse_options(int argc, char** argv) {
  options.server = parse_ip(kProgram, "10.78.0.1");
  options.gateway = parse_ip(kProgram, "10.78.0.254");
  options.first = parse_ip(kProgram, "10.90.0.1");
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    const char* value = argv[i + 1];
    const auto number = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    if (key == "--server") options.server = parse_ip(kProgram, value);
    else if (key == "--gateway") options.gateway = parse_ip(kProgram, value);
    else if (key == "--first") options.first = parse_ip(kProgram, value);
    else if (key == "--addresses") options.addresses = number;
    else if (key == "--port") options.port = static_cast<std::uint16_t>(number);
    else if (key == "--window") options.window = number;
    else if (key == "--warmup") options.warmup = number;
    else if (key == "--seconds") options.seconds = number;
    else if (key == "--rounds") options.rounds = number;
    else if (key == "--pump") options.pump = number != 0;
    else {
      std::fprintf(stderr, "%s: unknown option %s\n", kProgram, key.c_str());
      std::exit(2);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int used = rte_eal_init(argc, argv);
  if (used < 0) return 1;
  parse_options(argc - used, argv + used);
  rte_mempool* pool = start_device(kProgram, own_mac);
  if (pool == nullptr) return 1;
  request_sum = sum16(kRequest, kRequestLen);
  for (int tries = 0; tries < 100 && !server_known && !options.pump; ++tries) {
    ask_for_server(pool);
    run_for(pool, 0.1);
  }
  if (!server_known && !options.pump) {
    std::fprintf(stderr, "%s: the server does not answer ARP\n", kProgram);
    return 1;
  }
  open_some(pool, options.window);
  run_for(pool, options.warmup);
  for (unsigned round = 0; round < options.rounds; ++round) {
    const Counts before = counts;
    run_for(pool, options.seconds);
    const double seconds = options.seconds;
    std::printf("{\"connections_per_s\": %.0f, \"rx_pps\": %.0f, \"tx_pps\": %.0f, \"resets\": %llu, \"other\": %llu}\n",
                static_cast<double>(counts.completed - before.completed) / seconds,
                static_cast<double>(counts.rx - before.rx) / seconds, static_cast<double>(counts.tx - before.tx) / seconds,
                static_cast<unsigned long long>(counts.resets - before.resets),
                static_cast<unsigned long long>(counts.other - before.other));
    std::fflush(stdout);
  }
  while (std::getchar() != EOF) {}
  rte_eth_dev_stop(0);
  rte_eth_dev_close(0);
  rte_eal_cleanup();
  return 0;
}
