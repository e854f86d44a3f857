// SPDX-License-Identifier: BSD-3-Clause
// What a frame of an attack costs: to a stack with established connections, in bursts of 32, 10 us apart (3.2 million
// frames a second), so that every limit on answers is in force, as it is in a flood. Each benchmark checks that its frames
// got the verdicts it is named for and that no connection was lost. Checksums are verified in software, so these are upper
// bounds. Seeds are fixed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

#include "base/rng.h"
#include "bed.h"
#include "wire/arp.h"
#include "wire/icmpv4.h"
#include "wire/icmpv6.h"

namespace {

using namespace sluice;
using namespace sluice::bench;
using tcp::Verdict;

// As Linux's: MSS 1460, SACK permitted, timestamps, NOP, window scale 7.
constexpr std::array<std::uint8_t, 20> kSynOptions{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 1, 3, 3, 7};
constexpr std::array<char, 100> kText{};

// Sends for ever.
class Talker final : public Service {
 public:
  void on_accept(Connection connection, ListenerId) override {
    all.push_back(connection);
    on_writable(connection);
  }
  void on_writable(Connection connection) override {
    static const std::vector<std::byte> kChunk(4096);
    while (connection.send(kChunk) == kChunk.size()) {
    }
  }
  void on_readable(Connection) override {}
  std::vector<Connection> all;  // in the order of their handshakes
};

// The bed with `established` connections, idle.
struct Field {
  Field(std::uint32_t established, bool v6, Bed::Adjust adjust) : bed(established + 1024, v6, adjust), rng(7) {
    teach_gateway(bed, v6);
    for (std::uint32_t i = 0; i < established; i += kBurst) establish(i, std::min<std::uint32_t>(kBurst, established - i));
  }
  // To peers that are sent data without end, in segments of 88 bytes, with 64 kB of it outstanding.
  Field(std::uint32_t established, bool v6, Talker& talker)
      : bed(established + 1024, v6, [](stack::StackConfig&) {}, 65536, {.keepalive = {}, .rcvbuf = 65536, .sndbuf = 65536}, &talker),
        rng(7) {
    static constexpr std::array<std::uint8_t, 8> kSmall{2, 4, 0, 88, 4, 2, 1, 1};
    teach_gateway(bed, v6);
    for (std::uint32_t i = 0; i < established; ++i) establish(i, 1, kSmall);
    for (int round = 0; round < 12; ++round) {
      now = now + Duration::milliseconds(10);
      for (std::size_t i = 0; i < peers.size(); ++i) {
        const ConnectionInfo sent = talker.all[i].info();
        for (std::uint32_t n = sent.snd_nxt - sent.snd_una, step = 0; n != 0; n -= step) {
          step = std::min<std::uint32_t>(n, 8 * 88);  // what an ACK counts for at most, RFC 9406
          peers[i].ack = peers[i].ack + step;
          bed.frame(peers[i], wire::kAck, {});
          bed.deliver(now);
          bed.collect();
        }
      }
    }
    for (const Connection& connection : talker.all) outstanding.push_back(connection.info().snd_nxt - connection.info().snd_una);
  }
  void establish(std::uint32_t first, std::uint32_t n, std::span<const std::uint8_t> options = {}) {
    for (std::uint32_t i = 0; i < n; ++i) peers.push_back(bed.peer(first + i));
    const std::span<Peer> fresh = std::span(peers).last(n);
    for (const Peer& p : fresh) bed.frame(p, wire::kSyn, {}, options);
    bed.deliver(now);
    std::size_t k = 0;
    bed.sent([&](const wire::Packet& p) {
      if (k == n) return;
      fresh[k].seq += 1;
      fresh[k].ack = p.seq + 1;
      ++k;
    });
    for (const Peer& p : fresh) bed.frame(p, wire::kAck, {});
    bed.deliver(now);
    bed.collect();
    pass();
  }
  void pass() { now = now + Duration::microseconds(10); }
  // Any of the established ones, by copy.
  Peer victim() { return peers[rng.below(static_cast<std::uint32_t>(peers.size()))]; }
  // Nobody that was seen before, as good as always.
  Peer stranger() {
    Peer p = bed.peer(rng.next() >> 20U);
    p.ack = SeqNum(static_cast<std::uint32_t>(rng.next()));
    return p;
  }

  Bed bed;
  Rng rng;
  std::vector<Peer> peers;
  std::vector<std::uint32_t> outstanding;  // bytes, by peer
  Instant now = Instant{} + Duration::seconds(1000);
};

using Attack = void (*)(Field&);

// The frames that did not get any of the verdicts.
std::uint64_t others(const stack::Stack& stack, std::initializer_list<Verdict> expected, std::uint64_t frames,
                     const tcp::VerdictCounts& before) {
  for (const Verdict verdict : expected) {
    const auto i = static_cast<std::size_t>(verdict);
    frames -= stack.verdicts()[i] - before[i];
  }
  return frames;
}

void run(benchmark::State& state, Field& field, Attack attack, std::initializer_list<Verdict> expected) {
  Bed& bed = field.bed;
  const auto established = static_cast<std::uint32_t>(field.peers.size());
  if (bed.stack().slabs().tcbs.used() != established) return state.SkipWithError("a handshake went wrong");
  const tcp::VerdictCounts before = bed.stack().verdicts();
  bed.ns = 0;
  bed.cycles = bed.frames = 0;
  std::uint64_t answers = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) attack(field);
    bed.deliver(field.now);
    bed.sent([&](const wire::Packet&) { ++answers; });
    field.pass();
  }
  // A stranger may be an established connection by chance.
  if (others(bed.stack(), expected, bed.frames, before) * 1000 > bed.frames) return state.SkipWithError("frames got other verdicts");
  if (bed.stack().slabs().tcbs.used() != established) return state.SkipWithError("the attack made or ended connections");
  const auto packets = static_cast<double>(bed.frames);
  state.SetItemsProcessed(static_cast<std::int64_t>(bed.frames));
  state.counters["ns_per_packet"] = bed.ns / packets;
  state.counters["cycles_per_packet"] = static_cast<double>(bed.cycles) / packets;
  state.counters["answers_per_packet"] = static_cast<double>(answers) / packets;
}

void attack_with(benchmark::State& state, bool v6, Attack attack, std::initializer_list<Verdict> expected,
                 Bed::Adjust adjust = [](stack::StackConfig&) {}) {
  Field field(static_cast<std::uint32_t>(state.range(0)), v6, adjust);
  run(state, field, attack, expected);
}

void cookies_always(stack::StackConfig& config) { config.syn_cookies = SynCookies::kAlways; }

// --- without a connection ---

void send_syn(Field& field) { field.bed.frame(field.stranger(), wire::kSyn, {}, kSynOptions); }

void syn_cookie(benchmark::State& state, bool v6) {
  attack_with(state, v6, send_syn, {Verdict::kListenCookieSent}, cookies_always);
}
// The same with syn_cookies = "auto", the cache full.
void syn_cache_full(benchmark::State& state, bool v6) {
  Field field(static_cast<std::uint32_t>(state.range(0)), v6, [](stack::StackConfig& config) { config.syn_cache = 4096; });
  for (std::uint32_t i = 0; i < 2 * 4096 / kBurst; ++i) {
    for (std::size_t k = 0; k < kBurst; ++k) send_syn(field);
    field.bed.deliver(field.now);
    field.bed.collect();
  }
  run(state, field, send_syn, {Verdict::kListenCookieSent, Verdict::kListenSyn});
}
void ack_without_cookie(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) { field.bed.frame(field.stranger(), wire::kAck, {}); },
              {Verdict::kListenCookieRefused, Verdict::kRstRateLimited}, cookies_always);
}
void segment_for_no_connection(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) { field.bed.frame(field.stranger(), wire::kAck, kText, {}, 81); },
              {Verdict::kClosedReset, Verdict::kRstRateLimited});
}

// --- at established connections, whose four-tuple the attacker knows ---

void rst_outside_window(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.victim();
    p.seq += 0x40000000U;
    field.bed.frame(p, wire::kRst, {});
  }, {Verdict::kRstOutOfWindow});
}
void rst_in_window(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.victim();
    p.seq += 1 + field.rng.below(10'000);
    field.bed.frame(p, wire::kRst, {});
  }, {Verdict::kRstChallenge, Verdict::kChallengeLimited});
}
void syn_at_connection(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.victim();
    p.seq += static_cast<std::uint32_t>(field.rng.next());
    field.bed.frame(p, wire::kSyn, {}, kSynOptions);
  }, {Verdict::kSynChallenge, Verdict::kChallengeLimited});
}
void data_outside_window(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.victim();
    p.seq += 0x40000000U;
    field.bed.frame(p, wire::kAck, kText);
  }, {Verdict::kDataOutOfWindow, Verdict::kChallengeLimited});
}
void data_with_old_ack(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.victim();
    p.ack = SeqNum(p.ack.value() - 0x40000000U);
    field.bed.frame(p, wire::kAck, kText);
  }, {Verdict::kAckTooOld, Verdict::kChallengeLimited});
}
// For comparison: what a peer itself might send.
void duplicate_ack(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) { field.bed.frame(field.victim(), wire::kAck, {}); }, {Verdict::kAckDuplicate});
}

// --- ICMP errors and fragments ---

// "Host unreachable" or "packet too big" about a segment that we would have sent to `about`.
void send_icmp_error(Field& field, const Peer& about, SeqNum seq, bool too_big) {
  const bool v6 = field.bed.v6();
  const Peer router = field.stranger();
  field.bed.packet(router, v6 ? wire::kProtoIcmpv6 : wire::kProtoIcmpv4, [&](std::uint8_t* icmp) {
    std::memset(icmp, 0, wire::kIcmpHeader);
    icmp[0] = v6 ? (too_big ? 2 : 1) : 3;
    icmp[1] = !v6 && too_big ? 4 : (v6 ? 0 : 1);
    if (too_big) wire::store_be16(icmp + 6, 1300);
    std::uint8_t* inner = icmp + wire::kIcmpHeader;
    const std::uint16_t quoted = wire::kTcpHeader;
    inner += v6 ? wire::Ipv6Header{.src = field.bed.local(), .dst = about.address, .payload_len = quoted}.write(inner)
                : wire::Ipv4Header{.src = field.bed.local(), .dst = about.address, .payload_len = quoted}.write(inner, true);
    wire::TcpHeader{80, about.port, seq, about.seq, wire::kAck, 1000, 0}.write(inner);
    const auto len = static_cast<std::uint16_t>(inner + quoted - icmp);
    wire::store_checksum(icmp + 2, wire::sum_bytes(icmp, len) +
                                       (v6 ? wire::pseudo_sum(router.address, field.bed.local(), wire::kProtoIcmpv6, len) : 0));
    return len;
  });
}
void icmp_about_nothing(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    const Peer about = field.stranger();
    send_icmp_error(field, about, about.ack, false);
  }, {Verdict::kIcmpErrorIgnored});
}
void icmp_about_connection(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    const Peer about = field.victim();
    send_icmp_error(field, about, SeqNum(static_cast<std::uint32_t>(field.rng.next())), true);
  }, {Verdict::kIcmpErrorIgnored});
}
// `size` bytes of the datagram `id`, `offset` bytes into it; more are to come.
void send_fragment(Field& field, const Peer& p, std::uint32_t id, std::uint16_t offset, std::size_t size) {
  const bool v6 = field.bed.v6();
  std::uint8_t* ip = field.bed.packet(p, v6 ? 44 : wire::kProtoTcp, [&](std::uint8_t* body) {
    std::uint8_t* text = body;
    if (v6) {
      const std::array<std::uint8_t, 4> head{wire::kProtoTcp, 0, static_cast<std::uint8_t>(offset >> 8U),
                                             static_cast<std::uint8_t>(offset | 1U)};
      std::memcpy(body, head.data(), head.size());
      wire::store_be32(body + 4, id);
      text += 8;
    }
    std::memset(text, 0, std::max(size, wire::kTcpHeader));
    if (offset == 0) wire::TcpHeader{p.port, 80, p.seq, p.ack, wire::kAck, 1000, 0}.write(text);
    return static_cast<std::size_t>(text + size - body);
  });
  if (v6) return;
  wire::store_be16(ip + 4, static_cast<std::uint16_t>(id));
  wire::store_be16(ip + 6, static_cast<std::uint16_t>(0x2000 | offset / 8));
  wire::store_be16(ip + 10, 0);
  wire::store_checksum(ip + 10, wire::sum_bytes(ip, wire::kIpv4Header));
}
std::uint32_t any_id(Field& field) { return static_cast<std::uint32_t>(field.rng.next()); }
// The first kilobyte of datagrams whose rest never comes; more at a time than there are places.
void fragment_without_end(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) { send_fragment(field, field.stranger(), any_id(field), 0, 1024); },
              {v6 ? Verdict::kIpv6Fragment : Verdict::kIpv4Fragment});
}
void fragment_tiny(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) { send_fragment(field, field.stranger(), any_id(field), 0, 8); }, {Verdict::kFragmentTiny});
}
// Two frames: one that is kept, and one that writes over its second half.
void fragments_overlapping(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    const Peer p = field.stranger();
    const std::uint32_t id = any_id(field);
    send_fragment(field, p, id, 0, 1024);
    send_fragment(field, p, id, 512, 1024);
  }, {v6 ? Verdict::kIpv6Fragment : Verdict::kIpv4Fragment, Verdict::kFragmentOverlap});
}

// --- packets that cannot be ---

void land(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.stranger();
    p.address = field.bed.local();
    p.port = 80;
    field.bed.frame(p, wire::kSyn, {}, kSynOptions);
  }, {Verdict::kIpSourceOurs});
}
void martian(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    Peer p = field.stranger();
    p.address = field.bed.v6() ? IpAddress::parse("::1").value() : IpAddress::v4(127, 0, 0, 1);
    field.bed.frame(p, wire::kSyn, {}, kSynOptions);
  }, {v6 ? Verdict::kIpv6SourceMartian : Verdict::kIpv4SourceMartian});
}
// A strict source route, or a routing header of type 0, with one more hop to go.
void source_route(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    const bool is_v6 = field.bed.v6();
    const Peer p = field.stranger();
    const std::array<std::uint8_t, 24> header{wire::kProtoTcp, 2, 0, 1};
    const std::array<std::uint8_t, 8> option{137, 7, 4, 10, 0, 0, 2, 0};
    const std::span<const std::uint8_t> route = is_v6 ? std::span<const std::uint8_t>(header) : option;
    std::uint8_t* ip = field.bed.packet(p, is_v6 ? 43 : wire::kProtoTcp, [&](std::uint8_t* body) {
      std::memcpy(body, route.data(), route.size());
      wire::TcpHeader{p.port, 80, p.seq, p.ack, wire::kSyn, 1000, 0}.write(body + route.size());
      return route.size() + wire::kTcpHeader;
    });
    if (is_v6) return;
    ip[0] = 0x47;
    wire::store_be16(ip + 10, 0);
    wire::store_checksum(ip + 10, wire::sum_bytes(ip, wire::kIpv4Header + option.size()));
  }, {v6 ? Verdict::kIpv6RoutingUnknown : Verdict::kIpv4SourceRoute});
}

// --- from the link: an ARP reply, or a neighbour advertisement, that nobody asked for ---

void news_of_neighbour(benchmark::State& state, bool v6) {
  attack_with(state, v6, [](Field& field) {
    constexpr wire::MacAddress kThief{0x02, 0, 0, 0, 0, 0x66};
    Peer p = field.stranger();
    p.address = field.bed.local();
    p.address.bytes[15] = static_cast<std::uint8_t>(2 + field.rng.below(200));
    std::uint8_t* l3 = field.bed.packet(p, wire::kProtoIcmpv6, [&](std::uint8_t* body) -> std::size_t {
      if (!field.bed.v6()) return wire::kArpMessage - wire::kIpv4Header;
      return wire::NeighborMessage{false, true, true, p.address, kThief}.write(body, p.address, field.bed.local());
    });
    if (field.bed.v6()) {
      l3[7] = wire::kNdHopLimit;
      return;
    }
    wire::store_be16(l3 - 2, wire::kEtherTypeArp);
    wire::ArpMessage{wire::kArpReply, kThief, {}, p.address, field.bed.local()}.write(l3);
  }, {v6 ? Verdict::kNdHandled : Verdict::kArpHandled});
}

// --- from peers who are sent data without end ---

void talk(benchmark::State& state, bool v6, Attack attack, std::initializer_list<Verdict> expected) {
  Talker talker;
  Field field(static_cast<std::uint32_t>(state.range(0)), v6, talker);
  if (*std::min_element(field.outstanding.begin(), field.outstanding.end()) < 50'000) return state.SkipWithError("windows are not open");
  run(state, field, attack, expected);
}
void divided_ack(benchmark::State& state, bool v6) {
  talk(state, v6, [](Field& field) {
    Peer& p = field.peers[field.rng.below(static_cast<std::uint32_t>(field.peers.size()))];
    p.ack = p.ack + 16;
    field.bed.frame(p, wire::kAck, {});
  }, {Verdict::kAckAccepted});
}
// Four times sixteen bytes anywhere in what is outstanding; nothing is ever acknowledged.
void sack_with_holes(benchmark::State& state, bool v6) {
  talk(state, v6, [](Field& field) {
    const std::uint32_t i = field.rng.below(static_cast<std::uint32_t>(field.peers.size()));
    const Peer& p = field.peers[i];
    std::array<std::uint8_t, 36> options{1, 1, 5, 34};
    for (std::size_t at = 4; at < options.size(); at += 8) {
      const std::uint32_t left = p.ack.value() + 16 + 32 * field.rng.below(field.outstanding[i] / 32 - 1);
      wire::store_be32(&options[at], left);
      wire::store_be32(&options[at + 4], left + 16);
    }
    field.bed.frame(p, wire::kAck, {}, options);
  }, {Verdict::kAckDuplicate});
}

// Each over IPv4 and IPv6, beside 10,000 and a million established connections.
#define ATTACK(function)                                                        \
  BENCHMARK_CAPTURE(function, v4, false)->Arg(10'000)->Arg(1'000'000); \
  BENCHMARK_CAPTURE(function, v6, true)->Arg(10'000)

ATTACK(duplicate_ack);
ATTACK(syn_cookie);
ATTACK(syn_cache_full);
ATTACK(ack_without_cookie);
ATTACK(segment_for_no_connection);
ATTACK(rst_outside_window);
ATTACK(rst_in_window);
ATTACK(syn_at_connection);
ATTACK(data_outside_window);
ATTACK(data_with_old_ack);
ATTACK(icmp_about_nothing);
ATTACK(icmp_about_connection);
ATTACK(fragment_without_end);
ATTACK(fragment_tiny);
ATTACK(fragments_overlapping);
ATTACK(land);
ATTACK(martian);
ATTACK(source_route);
ATTACK(news_of_neighbour);
#undef ATTACK

// 64 connections with 64 kB outstanding each.
#define TALK(function)                                \
  BENCHMARK_CAPTURE(function, v4, false)->Arg(64); \
  BENCHMARK_CAPTURE(function, v6, true)->Arg(64)

TALK(divided_ack);
TALK(sack_with_holes);
#undef TALK

}  // namespace
