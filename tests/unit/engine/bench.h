// SPDX-License-Identifier: BSD-3-Clause
// Two shards in lock-step over one port, a simulated host on the other end of the wire.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/group.h"
#include "port/memory_port.h"
#include "support/host.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

namespace sluice::engine {

using test::Host;
using test::HostConfig;

// Echoes, and counts what its shard saw.
struct Echo final : Service {
  void on_start(Shard& s) override { shard = &s; }
  void on_accept(Connection, ListenerId) override { ++accepted; }
  void on_connected(Connection c) override {
    ++connected;
    c.close();
  }
  void on_readable(Connection c) override {
    for (Buffer b = c.receive(); !b.empty(); b = c.receive()) c.send(b.bytes());
    if (c.eof() && !hold) c.close();
  }
  void on_closed(Connection, Errc reason) override { reasons.push_back(reason); }
  void on_drain_connection(Connection c) override {
    ++told;
    if (leaves) c.close();
  }
  Shard* shard = nullptr;
  bool hold = false, leaves = false;
  int accepted = 0, connected = 0, told = 0;
  std::vector<Errc> reasons;
};

// Opens connections, says one thing, and closes when it has come back.
struct Client final : Service {
  void on_accept(Connection, ListenerId) override {}
  void on_connected(Connection c) override { c.send(std::as_bytes(std::span("hello", 5))); }
  void on_readable(Connection c) override {
    std::byte out[16];
    const std::size_t n = c.receive(out);
    answered += n == 5 ? 1 : 0;
    if (n != 0 && closes) c.shutdown_write();
    if (c.eof()) c.close();
  }
  void on_closed(Connection, Errc) override { ++closed; }
  bool closes = true;
  int answered = 0, closed = 0;
};

class Bench : public testing::Test {
 protected:
  using Bytes = std::vector<std::uint8_t>;
  void make(std::uint16_t queues, bool rss) {
    config_.ports.push_back({});
    config_.ports[0].name = "front";
    config_.ports[0].vlan = vlan_;
    config_.ports[0].device = "memory";
    config_.ports[0].addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("fd00::1/64").value()};
    config_.ports[0].slaac = slaac_;
    config_.tcp.max_connections = 1024;
    config_.tcp.syn_cache = 256;
    config_.tcp.msl_ms = 500;
    config_.drain_s = drain_s_;
    port::MemoryPortOptions options;
    options.capabilities.queues = queues;
    options.capabilities.rss = rss;
    options.strips_vlan = true;  // where there are any
    port_ = std::make_unique<port::MemoryPort>(source_, options);
    GroupOptions group;
    group.shards = 2;
    keys_ = make_keys(42);
    group_ = std::make_unique<Group>(config_, group, keys_, std::vector<port::Port*>{port_.get()}, source_);
    rss_ = rss;
    HostConfig peer;
    peer.addresses = {"10.0.0.2/24", "fd99::2/64"};
    peer.mac = {0x02, 0, 0, 0, 0, 2};
    peer.vlan = vlan_;
    peer.stack.msl_ms = 500;
    host_ = std::make_unique<Host>(peer);
    host_->add_service(client_);
    ServiceConfig service;
    service.name = "echo";
    service.listen = {Endpoint::parse("10.0.0.1:7").value(), Endpoint::parse("[::]:7").value()};
    ASSERT_TRUE(group_->add_service(service, [this](unsigned) {
      auto echo = std::make_unique<Echo>();
      echos_.push_back(echo.get());
      return echo;
    }).ok());
    group_->start(now_);
  }
  // A router's work: TCP over IPv4 in fragments of 16 bytes, the last one first.
  static std::vector<Bytes> pieces(const Bytes& frame) {
    constexpr std::size_t kHead = 34;
    if (frame[12] != 8 || frame[13] != 0) return {frame};
    std::vector<Bytes> out;
    for (std::size_t from = 0; kHead + from < frame.size(); from += 16) {
      const std::size_t to = std::min(from + 16, frame.size() - kHead);
      Bytes piece(frame.begin(), frame.begin() + kHead);
      piece.insert(piece.end(), frame.begin() + static_cast<std::ptrdiff_t>(kHead + from),
                   frame.begin() + static_cast<std::ptrdiff_t>(kHead + to));
      wire::store_be16(&piece[16], static_cast<std::uint16_t>(20 + to - from));
      wire::store_be16(&piece[20], static_cast<std::uint16_t>(from / 8 | (kHead + to < frame.size() ? 0x2000U : 0U)));
      wire::store_be16(&piece[24], 0);
      wire::store_checksum(&piece[24], wire::sum_bytes(&piece[14], 20));
      out.insert(out.begin(), std::move(piece));
    }
    return out;
  }
  // The device's side of RSS, where it has it: the same function.
  unsigned queue_of(const std::vector<std::uint8_t>& frame) {
    if (!rss_) return 0;
    const FlowSteering steering(keys_.rss, 2, 128);
    return steering.classify(frame, std::nullopt).shard;
  }
  void run(Duration time) {
    for (const Instant end = now_ + time; now_ < end; now_ = now_ + Duration::microseconds(250)) {
      for (const auto& frame : host_->take_sent()) {
        for (const auto& piece : cut_up_ ? pieces(frame) : std::vector<Bytes>{frame}) {
          port_->inject(piece, now_, queue_of(piece));
        }
      }
      for (int turns = 0; group_->run_all_once(now_) && turns < 100; ++turns) {
      }
      while (auto sent = port_->take_sent()) host_->receive(sent->bytes, now_);
      host_->advance(now_);
    }
    for (unsigned s = 0; s < 2; ++s) group_->shard(s).publish();
  }
  std::uint64_t named(const Stats& stats, unsigned shard, const std::string& name) {
    for (const NamedCount& count : stats.shards[shard].counters) {
      if (count.name == name) return count.value;
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
  void open(int n) {
    for (int i = 0; i < n; ++i) {
      ASSERT_TRUE(host_->connect(client_, Endpoint::parse("10.0.0.1:7").value(), {IpAddress::v4(0, 0, 0, 0), 0}, {}).ok());
    }
  }

  // From ports of the host whose flows are one shard's.
  void open_on(unsigned shard, int n) {
    const FlowSteering steering(keys_.rss, 2);
    const Endpoint server = Endpoint::parse("10.0.0.1:7").value();
    const IpAddress host = IpAddress::v4(10, 0, 0, 2);
    for (std::uint16_t port = 20'000; n != 0; ++port) {
      if (steering.shard_of({.remote = host, .remote_port = port, .local_port = 7}, server.address) != shard) continue;
      ASSERT_TRUE(host_->connect(client_, server, {host, port}, {}).ok());
      --n;
    }
  }

  bool cut_up_ = false;
  bool slaac_ = false;
  std::uint16_t vlan_ = 0;
  std::uint32_t drain_s_ = 2;
  Config config_;
  Keys keys_;
  bool rss_ = false;
  port::MemoryBufSource source_{16384};
  std::unique_ptr<port::MemoryPort> port_;
  Client client_;
  std::unique_ptr<Host> host_;
  std::vector<Echo*> echos_;
  std::unique_ptr<Group> group_;
  Instant now_ = Instant{} + Duration::milliseconds(1);
};

// From fe80::2, without options; by scapy.
inline const std::vector<std::uint8_t> kRouterAdvertisement{
    0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0x10, 0x3a, 0xff,
    0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0x86, 0, 0x35, 0x26, 0x40, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0};

}  // namespace sluice::engine
