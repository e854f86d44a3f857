// SPDX-License-Identifier: BSD-3-Clause
// The life of a connection that we open, through a stack on plain memory: connect(), three
// frames out (SYN, ACK+request, FIN|ACK) and three in (SYN|ACK, answer+FIN, ACK), in bursts
// of 32, the peer closing first. Other connections to the same destination stay open meanwhile
// and hold their ports; `refused` is how often connect() found none. Only the stack is timed.
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <cstring>
#include <vector>

#include "base/frame.h"
#include "bed.h"
#include "port/memory_port.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/packet.h"
#include "wire/tcp.h"

namespace {

using namespace sluice;
using bench::cpu_ns, bench::kBurst, bench::kRequest, bench::kResponse;

constexpr std::uint16_t kServerPort = 80;

class Client final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_connected(Connection connection) override {
    if (!stay) connection.send(std::as_bytes(std::span(kRequest, sizeof(kRequest) - 1)));
  }
  void on_readable(Connection connection) override {
    while (!connection.receive().empty()) {
    }
    if (connection.eof()) connection.close();
  }
  bool stay = false;
};

class Bed {
 public:
  Bed(std::uint32_t connections, bool v6)
      : source_(8192), stack_(config(connections), source_),
        server_(IpAddress::parse(v6 ? "fd00::2" : "10.0.0.2").value()),
        any_(IpAddress::parse(v6 ? "::" : "0.0.0.0").value()) {
    stack_.add_service(client, "client");
    stack_.learn_neighbour(0, server_, kPeerMac, Instant{});
  }
  ~Bed() {
    stack_.abort_all();
    sent([](const wire::Packet&) {});
  }

  // Opens a burst of them.
  void open(Instant now) {
    const Clock clock(*this);
    stack_.set_now(now);
    for (std::size_t i = 0; i < kBurst; ++i) {
      while (!stack_.connect(client, {server_, kServerPort}, {any_, 0}, options_).ok()) ++refused;
    }
  }
  // What a server would say to `heard`.
  void answer(const wire::Packet& heard, std::uint8_t flags, std::span<const char> payload) {
    Buf* buf = nullptr;
    if (source_.take(std::span(&buf, 1)) != 1) std::abort();
    buf->data = buf->room + kBufHeadroom;
    buf->refs = 1;
    const IpAddress to = heard.src;
    wire::FrameHead head{};
    head.dst_mac = kOurMac.data();
    head.src_mac = kPeerMac.data();
    head.src = &server_;
    head.dst = &to;
    const auto l4 = static_cast<std::uint16_t>(wire::kTcpHeader + payload.size());
    const std::size_t n = wire::write_frame_head(buf->data, head, l4);
    std::uint8_t* tcp = buf->data + n;
    const SeqNum seq = (flags & wire::kSyn) != 0 ? SeqNum(1000) : heard.ack;
    wire::TcpHeader{kServerPort, heard.src_port, seq, heard.seq + heard.seg_len(), flags, 65535, 0}.write(tcp);
    std::memcpy(tcp + wire::kTcpHeader, payload.data(), payload.size());
    wire::store_checksum(tcp + wire::kTcpChecksumOffset,
                         wire::pseudo_sum(server_, to, wire::kProtoTcp, l4) + wire::sum_bytes(tcp, l4));
    buf->len = static_cast<std::uint32_t>(n + l4);
    burst_.push_back(buf);
  }
  void deliver(Instant now) {
    {
      const Clock clock(*this);
      for (Buf* buf : burst_) stack_.bufs().adopt(buf);
      stack_.receive(0, burst_, now);
      while (stack_.advance(now, 256)) {
      }
    }
    burst_.clear();
  }
  // What was sent, as packets; the buffers go back. How many there were.
  template <typename Each>
  std::size_t sent(Each&& each) {
    stack::TxQueue& queue = stack_.tx(0);
    const std::size_t n = queue.count;
    for (std::size_t i = 0; i < n; ++i) {
      wire::Packet packet;
      queue.frames[i]->flags = kRxL4CsumGood | kRxIpCsumGood;
      if (wire::parse_frame(*queue.frames[i], wire::ParseContext{}, packet) == wire::ParseError::kOk) each(packet);
      drop_frame(queue.frames[i], stack_.bufs());
    }
    queue.count = 0;
    return n;
  }

  double ns = 0;
  std::uint64_t cycles = 0, refused = 0;
  Client client;

 private:
  static constexpr wire::MacAddress kOurMac{0x02, 0, 0, 0, 0, 1}, kPeerMac{0x02, 0, 0, 0, 0, 2};

  class Clock {
   public:
    explicit Clock(Bed& bed) : bed_(bed), ns_(cpu_ns()), tsc_(__rdtsc()) {}
    ~Clock() {
      bed_.cycles += __rdtsc() - tsc_;
      bed_.ns += cpu_ns() - ns_;
    }
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;

   private:
    Bed& bed_;
    double ns_;
    std::uint64_t tsc_;
  };

  static stack::StackConfig config(std::uint32_t connections) {
    stack::StackConfig c;
    c.max_connections = connections;
    stack::InterfaceConfig i;
    i.mac = kOurMac;
    i.addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("fd00::1/64").value()};
    c.interfaces = {i};
    c.secrets = {{1, 2}, {3, 4}};
    c.table_key = {5, 6};
    return c;
  }
  port::MemoryBufSource source_;
  stack::Stack stack_;
  IpAddress server_, any_;
  SocketOptions options_;
  std::vector<Buf*> burst_;
};

void open_life(benchmark::State& state, bool v6) {
  const auto background = static_cast<std::uint32_t>(state.range(0));
  Bed bed(background + 1024, v6);
  Instant now = Instant{} + Duration::milliseconds(1);
  const auto round = [&](bool stay) {
    bed.client.stay = stay;
    bed.open(now);
    std::size_t n = bed.sent([&](const wire::Packet& p) { bed.answer(p, wire::kSyn | wire::kAck, {}); });
    if (n != kBurst) return false;
    bed.deliver(now);
    n = bed.sent([&](const wire::Packet& p) {
      if (!stay) bed.answer(p, wire::kAck | wire::kPsh | wire::kFin, std::span(kResponse, sizeof(kResponse) - 1));
    });
    if (n != kBurst) return false;
    if (stay) return true;
    bed.deliver(now);
    n = bed.sent([&](const wire::Packet& p) { bed.answer(p, wire::kAck, {}); });
    if (n != kBurst) return false;
    bed.deliver(now);
    now = now + Duration::microseconds(40);
    return bed.sent([](const wire::Packet&) {}) == 0;
  };
  for (std::uint32_t i = 0; i < background; i += kBurst) {
    if (!round(true)) return state.SkipWithError("a handshake went wrong");
  }
  bed.ns = 0;
  bed.cycles = bed.refused = 0;
  for (auto _ : state) {
    if (!round(false)) return state.SkipWithError("a connection went wrong");
  }
  const auto connections = static_cast<double>(state.iterations()) * kBurst;
  state.SetItemsProcessed(static_cast<std::int64_t>(connections));
  state.counters["ns_per_connection"] = bed.ns / connections;
  state.counters["cycles_per_connection"] = static_cast<double>(bed.cycles) / connections;
  state.counters["refused"] = static_cast<double>(bed.refused);
}

void Open4(benchmark::State& state) { open_life(state, false); }
void Open6(benchmark::State& state) { open_life(state, true); }
// Of 28232 ports to the one destination.
BENCHMARK(Open4)->Arg(0)->Arg(14'000)->Arg(27'000);
BENCHMARK(Open6)->Arg(0);

}  // namespace
