// SPDX-License-Identifier: BSD-3-Clause
// A stack on plain memory for benchmarks: frames in, in bursts, and what it sends back. Only the stack is timed, by the
// thread's CPU clock, so that other load on the machine counts as little as it can. One thread.
#pragma once

#include <x86intrin.h>

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <span>
#include <vector>

#include "base/frame.h"
#include "port/memory_port.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/packet.h"
#include "wire/tcp.h"

namespace sluice::bench {

inline constexpr std::size_t kBurst = 32;
inline constexpr char kRequest[] = "GET / HTTP/1.0\r\n\r\n";
inline constexpr char kResponse[] =
    "HTTP/1.0 200 OK\r\nContent-Length: 64\r\n\r\n"
    "0123456789012345678901234567890123456789012345678901234567890123";

// Answers as the http app does when it closes first: data and FIN leave in one segment.
class Answer final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection connection) override {
    while (!connection.receive().empty()) {
    }
    if (connection.eof()) return connection.close();
    connection.send(std::as_bytes(std::span(kResponse, sizeof(kResponse) - 1)));
    connection.close();
  }
};

inline double cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct Peer {
  IpAddress address;
  std::uint16_t port;
  SeqNum seq, ack;
};

class Bed {
 public:
  using Adjust = void (*)(stack::StackConfig&);
  explicit Bed(std::uint32_t connections, bool v6, Adjust adjust = [](stack::StackConfig&) {}, std::uint32_t buffers = 8192,
               const SocketOptions& options = {}, Service* service = nullptr)
      : source_(buffers), v6_(v6), stack_(config(connections, adjust), source_) {
    Service& served = service != nullptr ? *service : answer_;
    stack_.add_service(served, "answer");
    const Endpoint any{IpAddress::parse(v6 ? "::" : "0.0.0.0").value(), 80};
    if (!stack_.listen(served, any, options, 65535).ok()) std::abort();
    local_ = IpAddress::parse(v6 ? "fd00::1" : "10.0.0.1").value();
  }
  ~Bed() {
    stack_.abort_all();
    collect();
  }

  // A packet of `protocol` from the peer; `fill(body)` writes what follows the IP header and returns its length. Returns
  // where the IP header begins.
  template <typename Fill>
  std::uint8_t* packet(const Peer& peer, std::uint8_t protocol, Fill&& fill) {
    Buf* buf = nullptr;
    if (source_.take(std::span(&buf, 1)) != 1) std::abort();
    buf->data = buf->room + kBufHeadroom;
    buf->refs = 1;
    wire::FrameHead head{};
    head.dst_mac = kServerMac.data();
    head.src_mac = kClientMac.data();
    head.src = &peer.address;
    head.dst = &local_;
    head.protocol = protocol;
    const std::size_t n = wire::frame_head_size(head);
    const auto len = static_cast<std::uint16_t>(fill(buf->data + n));
    wire::write_frame_head(buf->data, head, len);
    buf->len = static_cast<std::uint32_t>(n + len);
    burst_.push_back(buf);
    return buf->data + wire::kEthHeader;
  }
  void frame(const Peer& peer, std::uint8_t flags, std::span<const char> payload, std::span<const std::uint8_t> options = {},
             std::uint16_t port = 80) {
    packet(peer, wire::kProtoTcp, [&](std::uint8_t* tcp) {
      const std::size_t head = wire::kTcpHeader + options.size();
      const auto l4 = static_cast<std::uint16_t>(head + payload.size());
      wire::TcpHeader{peer.port, port, peer.seq, peer.ack, flags, 65535, 0}.write(tcp, options.size());
      std::memcpy(tcp + wire::kTcpHeader, options.data(), options.size());
      std::memcpy(tcp + head, payload.data(), payload.size());
      wire::store_checksum(tcp + wire::kTcpChecksumOffset,
                           wire::pseudo_sum(peer.address, local_, wire::kProtoTcp, l4) + wire::sum_bytes(tcp, l4));
      return l4;
    });
  }
  // Hands the burst over; this alone is timed.
  void deliver(Instant now) {
    const double begun = cpu_ns();
    const std::uint64_t tsc = __rdtsc();
    for (Buf* buf : burst_) stack_.bufs().adopt(buf);
    stack_.receive(0, burst_, now);
    while (stack_.advance(now, 256)) {
    }
    cycles += __rdtsc() - tsc;
    ns += cpu_ns() - begun;
    frames += burst_.size();
    burst_.clear();
  }
  // What was sent, as packets; the buffers go back.
  template <typename Each>
  void sent(Each&& each) {
    stack::TxQueue& queue = stack_.tx(0);
    for (std::size_t i = 0; i < queue.count; ++i) {
      wire::Packet packet;
      queue.frames[i]->flags = kRxL4CsumGood | kRxIpCsumGood;
      if (wire::parse_frame(*queue.frames[i], wire::ParseContext{}, packet) == wire::ParseError::kOk) each(packet);
      drop_frame(queue.frames[i], stack_.bufs());
    }
    queue.count = 0;
  }
  void collect() {
    sent([](const wire::Packet&) {});
  }
  [[nodiscard]] stack::Stack& stack() noexcept { return stack_; }
  [[nodiscard]] const IpAddress& local() const noexcept { return local_; }
  [[nodiscard]] bool v6() const noexcept { return v6_; }
  [[nodiscard]] Peer peer(std::uint64_t i) const {
    Peer p;
    p.address = v6_ ? IpAddress::parse("fd01::1").value() : IpAddress::v4(10, 1, 0, 0);
    p.address.bytes[14] = static_cast<std::uint8_t>(i >> 8U);
    p.address.bytes[15] = static_cast<std::uint8_t>(i);
    p.port = static_cast<std::uint16_t>(1024 + (i >> 16U) % 60000);
    p.seq = SeqNum(static_cast<std::uint32_t>(i * 2654435761U));
    return p;
  }

  double ns = 0;
  std::uint64_t cycles = 0;
  std::uint64_t frames = 0;

 private:
  static constexpr wire::MacAddress kServerMac{0x02, 0, 0, 0, 0, 1}, kClientMac{0x02, 0, 0, 0, 0, 2};
  static stack::StackConfig config(std::uint32_t connections, Adjust adjust) {
    stack::StackConfig c;
    c.max_connections = connections;
    c.syn_cache = 65536;
    c.msl_ms = 50;
    c.learn_next_hops = false;
    stack::InterfaceConfig i;
    i.mac = kServerMac;
    i.addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("fd00::1/64").value()};
    i.gateways = {IpAddress::parse("10.0.0.254").value(), IpAddress::parse("fd00::fe").value()};
    c.interfaces = {i};
    c.secrets = {{1, 2}, {3, 4}};
    c.table_key = {5, 6};
    adjust(c);
    return c;
  }
  port::MemoryBufSource source_;
  bool v6_;
  Answer answer_;
  stack::Stack stack_;
  IpAddress local_;
  std::vector<Buf*> burst_;
};

// The gateway's address, so that answers need not wait for ARP.
inline void teach_gateway(Bed& bed, bool v6) {
  const IpAddress gateway = IpAddress::parse(v6 ? "fd00::fe" : "10.0.0.254").value();
  bed.stack().learn_neighbour(0, gateway, wire::MacAddress{0x02, 0, 0, 0, 0, 2}, Instant{});
}

}  // namespace sluice::bench
