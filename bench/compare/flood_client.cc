// SPDX-License-Identifier: BSD-3-Clause
// The far end of the link in bench/compare/flood.py: SYNs from random addresses and ports at a rate, and between them,
// on the same link, the frames of the kernel's own clients, which it fetches from a tap.
//   flood_client EAL-ARGUMENTS -- --server 10.77.0.1 --port 80 --gateway 10.77.0.254 --tap tap0 --seed 1
// Says "ready" when the server has answered ARP. Then on its input, a line each: `rate N` sets SYNs a second, `count`
// has it print its counters, the end of the input ends it. Answers to the SYNs come here, because it answers ARP for
// the gateway; they are counted and never answered, as by the hosts whose addresses are abused.
//
// A frame finds room in the link's ring or is lost, a client's like a SYN: a client's frame stands at a random place in
// a burst of SYNs, and nothing is sent twice.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

constexpr char kProgram[] = "flood_client";
constexpr std::uint16_t kBurst = 64;
constexpr std::uint16_t kTapBurst = 16;
constexpr std::uint16_t kMaxFrame = 1514;
// As Linux's: MSS 1460, SACK permitted, timestamps, NOP, window scale 7.
constexpr std::array<std::uint8_t, 20> kOptions{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7};
constexpr std::size_t kTsvalAt = 8;

struct Syn {
  rte_ether_hdr eth;
  rte_ipv4_hdr ip;
  rte_tcp_hdr tcp;
  std::array<std::uint8_t, kOptions.size()> options;
};
static_assert(sizeof(Syn) == 74);

struct Options {
  std::uint32_t server = 0, gateway = 0;  // host order
  std::uint16_t port = 80;
  std::string tap = "tap0";
  std::uint64_t seed = 1;
};

struct Counts {
  std::uint64_t offered = 0, sent = 0;                      // SYNs; what was offered and not sent found the ring full
  std::uint64_t syn_acks = 0, other = 0;                    // received for the gateway
  std::uint64_t from_tap = 0, from_tap_lost = 0;            // clients' frames; the lost ones found the ring full
  std::uint64_t to_tap = 0, to_tap_lost = 0;
};

Options options;
Counts counts;
rte_mempool* pool = nullptr;
int tap = -1;
rte_ether_addr own_mac;
bool server_known = false;
Syn pattern;
std::uint32_t pattern_ip_sum = 0, pattern_tcp_sum = 0;
std::array<std::uint64_t, 2> random_state{};

// xorshift128+
std::uint64_t random64() {
  std::uint64_t a = random_state[0];
  const std::uint64_t b = random_state[1];
  random_state[0] = b;
  a ^= a << 23U;
  random_state[1] = a ^ b ^ (a >> 17U) ^ (b >> 26U);
  return random_state[1] + b;
}

void make_pattern(const rte_ether_addr& server_mac) {
  std::memset(&pattern, 0, sizeof(pattern));
  pattern.eth.dst_addr = server_mac;
  pattern.eth.src_addr = own_mac;
  pattern.eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  pattern.ip.version_ihl = 0x45;
  pattern.ip.total_length = rte_cpu_to_be_16(sizeof(Syn) - sizeof(rte_ether_hdr));
  pattern.ip.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
  pattern.ip.time_to_live = 57;
  pattern.ip.next_proto_id = IPPROTO_TCP;
  pattern.ip.dst_addr = rte_cpu_to_be_32(options.server);
  pattern.tcp.dst_port = rte_cpu_to_be_16(options.port);
  pattern.tcp.data_off = (sizeof(rte_tcp_hdr) + kOptions.size()) / 4 << 4U;
  pattern.tcp.tcp_flags = RTE_TCP_SYN_FLAG;
  pattern.tcp.rx_win = rte_cpu_to_be_16(64240);
  pattern.options = kOptions;
  constexpr std::size_t kTcp = sizeof(Syn) - sizeof(rte_ether_hdr) - sizeof(rte_ipv4_hdr);
  pattern_ip_sum = sum16(&pattern.ip, sizeof(pattern.ip));
  pattern_tcp_sum = sum16(&pattern.ip.dst_addr, 4) + rte_cpu_to_be_16(IPPROTO_TCP) + rte_cpu_to_be_16(kTcp) + sum16(&pattern.tcp, kTcp);
}

void make_syn(rte_mbuf* m) {
  const std::uint64_t a = random64(), b = random64();
  auto* f = rte_pktmbuf_mtod(m, Syn*);
  *f = pattern;
  // 64.0.0.0/3: nobody's here, and none that is dropped for what it is.
  const rte_be32_t source = rte_cpu_to_be_32(0x40000000U | static_cast<std::uint32_t>(a >> 35U));
  const auto port = static_cast<rte_be16_t>(a | rte_cpu_to_be_16(0x8000));
  const auto id = static_cast<std::uint16_t>(a >> 16U);
  const auto seq = static_cast<std::uint32_t>(b), tsval = static_cast<std::uint32_t>(b >> 32U);
  f->ip.src_addr = source;
  f->ip.packet_id = id;
  f->tcp.src_port = port;
  f->tcp.sent_seq = seq;
  std::memcpy(f->options.data() + kTsvalAt, &tsval, sizeof(tsval));
  f->ip.hdr_checksum = fold(pattern_ip_sum + halves(source) + id);
  f->tcp.cksum = fold(pattern_tcp_sum + halves(source) + port + halves(seq) + halves(tsval));
  m->data_len = sizeof(Syn);
  m->pkt_len = sizeof(Syn);
}

// Sends once; what the ring has no room for is lost.
std::uint16_t send_once(rte_mbuf** frames, std::uint16_t n) {
  const std::uint16_t done = rte_eth_tx_burst(0, 0, frames, n);
  for (std::uint16_t i = done; i < n; ++i) rte_pktmbuf_free(frames[i]);
  return done;
}

// What the kernel wants to send.
std::uint16_t fetch(std::array<rte_mbuf*, kTapBurst>& frames) {
  std::uint16_t n = 0;
  while (n < kTapBurst) {
    rte_mbuf* m = rte_pktmbuf_alloc(pool);
    if (m == nullptr) break;
    const ssize_t len = ::read(tap, rte_pktmbuf_mtod(m, void*), kMaxFrame);
    if (len <= 0) {
      rte_pktmbuf_free(m);
      break;
    }
    m->data_len = static_cast<std::uint16_t>(len);
    m->pkt_len = m->data_len;
    frames[n++] = m;
  }
  counts.from_tap += n;
  return n;
}

// A burst of `syns` SYNs with the clients' frames at random places among them.
void send_mixed(std::uint16_t syns, bool look_at_tap) {
  std::array<rte_mbuf*, kTapBurst> clients{};
  const std::uint16_t from_clients = look_at_tap ? fetch(clients) : std::uint16_t{0};
  std::array<rte_mbuf*, kBurst> fresh{};
  if (syns != 0 && rte_pktmbuf_alloc_bulk(pool, fresh.data(), syns) != 0) syns = 0;
  for (std::uint16_t i = 0; i < syns; ++i) make_syn(fresh[i]);
  std::array<rte_mbuf*, kBurst + kTapBurst> out{};
  std::array<bool, kBurst + kTapBurst> is_client{};
  std::uint16_t c = 0, s = 0, n = 0;
  while (c < from_clients || s < syns) {
    const unsigned left = static_cast<unsigned>(from_clients - c) + static_cast<unsigned>(syns - s);
    const bool client = c < from_clients && (s == syns || random64() % left < static_cast<unsigned>(from_clients - c));
    is_client[n] = client;
    out[n++] = client ? clients[c++] : fresh[s++];
  }
  if (n == 0) return;
  const std::uint16_t done = send_once(out.data(), n);
  const auto lost = static_cast<std::uint64_t>(std::count(is_client.begin() + done, is_client.begin() + n, true));
  counts.from_tap_lost += lost;
  counts.offered += syns;
  counts.sent += done - (from_clients - lost);
}

void hand_to_kernel(rte_mbuf* m) {
  if (::write(tap, rte_pktmbuf_mtod(m, void*), m->data_len) == m->data_len) {
    ++counts.to_tap;
  } else {
    ++counts.to_tap_lost;
  }
}

// True: it was about the gateway, and is done with.
bool take_arp(const rte_ether_hdr* eth) {
  const auto* arp = reinterpret_cast<const rte_arp_hdr*>(eth + 1);
  const std::uint32_t sender = rte_be_to_cpu_32(arp->arp_data.arp_sip);
  if (sender == options.server && !server_known) {
    make_pattern(arp->arp_data.arp_sha);
    server_known = true;
  }
  if (rte_be_to_cpu_32(arp->arp_data.arp_tip) != options.gateway) return false;
  if (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST)) {
    rte_mbuf* m = arp_frame(pool, RTE_ARP_OP_REPLY, own_mac, options.gateway, arp->arp_data.arp_sha, sender);
    if (m != nullptr) send_once(&m, 1);
  }
  return true;
}

void receive() {
  std::array<rte_mbuf*, kBurst> frames{};
  const std::uint16_t n = rte_eth_rx_burst(0, 0, frames.data(), kBurst);
  for (std::uint16_t i = 0; i < n; ++i) rte_prefetch0(rte_pktmbuf_mtod(frames[i], void*));
  for (std::uint16_t i = 0; i < n; ++i) {
    const auto* f = rte_pktmbuf_mtod(frames[i], const Syn*);
    if (rte_is_same_ether_addr(&f->eth.dst_addr, &own_mac)) {
      if (f->eth.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
        take_arp(&f->eth);
      } else if (f->ip.next_proto_id == IPPROTO_TCP && f->tcp.tcp_flags == (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) {
        ++counts.syn_acks;
      } else {
        ++counts.other;
      }
    } else if (f->eth.ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) || !take_arp(&f->eth)) {
      hand_to_kernel(frames[i]);
    }
  }
  if (n != 0) rte_pktmbuf_free_bulk(frames.data(), n);
}

void print_counts() {
  const auto u = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf("{\"offered\": %llu, \"sent\": %llu, \"syn_acks\": %llu, \"other\": %llu, \"from_tap\": %llu, \"from_tap_lost\": %llu, "
              "\"to_tap\": %llu, \"to_tap_lost\": %llu, \"seconds\": %.6f}\n",
              u(counts.offered), u(counts.sent), u(counts.syn_acks), u(counts.other), u(counts.from_tap), u(counts.from_tap_lost),
              u(counts.to_tap), u(counts.to_tap_lost), static_cast<double>(rte_rdtsc()) / static_cast<double>(rte_get_tsc_hz()));
  std::fflush(stdout);
}

// False at the end of the input.
bool obey(std::uint64_t& rate) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (::poll(&input, 1, 0) > 0) {
    std::string line;
    char c = 0;
    while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
    if (line.empty() && c != '\n') return false;
    if (line == "count") print_counts();
    else if (line.rfind("rate ", 0) == 0) rate = std::strtoull(line.c_str() + 5, nullptr, 10);
  }
  return true;
}

void run() {
  const std::uint64_t hz = rte_get_tsc_hz();
  std::uint64_t rate = 0, last = rte_rdtsc(), look = last, listen = last, ask = last;
  double due = 0;
  bool said = false;
  while (true) {
    receive();
    const std::uint64_t now = rte_rdtsc();
    // Whoever was kept from its processor makes up for a millisecond, no more: else the flood would come in bursts.
    due = std::min(due + static_cast<double>(now - last) * static_cast<double>(rate) / static_cast<double>(hz),
                   static_cast<double>(rate) / 1000 + 1);
    last = now;
    const auto syns = static_cast<std::uint16_t>(std::min<double>(due, kBurst));
    due -= syns;
    const bool look_at_tap = now >= look;
    if (look_at_tap) look = now + hz / 100000;
    send_mixed(server_known ? syns : std::uint16_t{0}, look_at_tap);
    if (!server_known && now >= ask) {
      rte_mbuf* m = arp_request(pool, own_mac, options.gateway, options.server);
      if (m != nullptr) send_once(&m, 1);
      ask = now + hz / 10;
    }
    if (now < listen) continue;
    listen = now + hz / 1000;
    if (server_known && !said) {
      std::puts("ready");
      std::fflush(stdout);
      said = true;
    }
    if (!obey(rate)) return;
  }
}

void parse_options(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    if (key == "--server") options.server = parse_ip(kProgram, argv[i + 1]);
    else if (key == "--gateway") options.gateway = parse_ip(kProgram, argv[i + 1]);
    else if (key == "--port") options.port = static_cast<std::uint16_t>(std::strtoul(argv[i + 1], nullptr, 10));
    else if (key == "--tap") options.tap = argv[i + 1];
    else if (key == "--seed") options.seed = std::strtoull(argv[i + 1], nullptr, 10);
    else {
      std::fprintf(stderr, "%s: unknown option %s\n", kProgram, key.c_str());
      std::exit(2);
    }
  }
  random_state = {options.seed * 0x9e3779b97f4a7c15U + 1, ~options.seed};
}

bool open_tap() {
  tap = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  options.tap.copy(request.ifr_name, IFNAMSIZ - 1);
  return tap >= 0 && ::ioctl(tap, TUNSETIFF, &request) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int used = rte_eal_init(argc, argv);
  if (used < 0) return 1;
  parse_options(argc - used, argv + used);
  if (!open_tap()) {
    std::perror("flood_client: no tap");
    return 1;
  }
  pool = start_device(kProgram, own_mac);
  if (pool == nullptr) return 1;
  run();
  rte_eth_dev_stop(0);
  rte_eth_dev_close(0);
  rte_eal_cleanup();
  return 0;
}
