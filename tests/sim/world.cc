// SPDX-License-Identifier: BSD-3-Clause
#include "sim/world.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "sim/traffic.h"
#include "support/host.h"
#include "wire/packet.h"

namespace sluice::test {

namespace {

constexpr int kHosts = 2;
// Longer than any connection may take to give up on a peer that is gone.
constexpr Instant kTooLate{3LL * 3600 * 1'000'000'000};

struct Scenario {
  NetworkConfig network;
  TrafficConfig traffic;
  std::uint32_t connections = 1;
  std::uint32_t spread_ms = 0;          // openings are spread over this time
  std::uint32_t simultaneous = 0;       // per mille of connections opened from both ends
  bool v6 = false;
  bool ecn = false;
  std::uint32_t buffers = 0;
  std::uint16_t mtu = 1500;
  std::uint32_t msl_ms = 1000;
  std::uint32_t max_connections = 512;
  SynCookies cookies = SynCookies::kAuto;
  bool fastopen = false;
};

// `more`: for what was added later, so that seeds keep their meaning.
Scenario draw(Rng& rng, Rng more) {
  Scenario s;
  const std::uint32_t size = rng.below(100);
  s.connections = size < 55 ? 1 + rng.below(4) : size < 97 ? 1 + rng.below(20) : 50 + rng.below(151);
  s.traffic.max_bytes = s.connections > 20 ? 3000 : rng.below(4) == 0 ? 120'000 / s.connections : 12'000;
  const std::uint32_t trouble = rng.below(4);
  if (trouble > 0) {
    s.network.loss = rng.below(2) == 0 ? 0 : rng.below(trouble == 3 ? 301 : 60);
    s.network.duplicate = rng.below(2) == 0 ? 0 : rng.below(150);
    s.network.reorder = rng.below(2) == 0 ? 0 : rng.below(400);
    s.network.corrupt = rng.below(2) == 0 ? 0 : rng.below(100);
  }
  s.network.delay = Duration::microseconds(10 + rng.below(rng.below(2) == 0 ? 500 : 150'000));
  s.network.jitter = rng.below(2) == 0 ? Duration{} : s.network.delay / 2;
  s.network.reorder_by = s.network.delay * 3;
  if (rng.below(5) == 0) {
    s.network.partition_every = Duration::milliseconds(200 + rng.below(5000));
    s.network.partition_for = Duration::milliseconds(50 + rng.below(rng.below(4) == 0 ? 200'000 : 3000));
  }
  s.ecn = rng.below(2) == 0;
  if (s.ecn) s.network.mark = rng.below(2) == 0 ? 0 : rng.below(200);
  s.network.calm_after = Instant{} + Duration::seconds(60 + rng.below(600));
  s.spread_ms = rng.below(3000);
  s.simultaneous = rng.below(3) == 0 ? 300 : 0;
  s.v6 = rng.below(2) == 0;
  s.mtu = rng.below(4) == 0 ? static_cast<std::uint16_t>(1280 + rng.below(221)) : 1500;
  s.buffers = 1000 + 200 * s.connections;
  if (rng.below(10) == 0) s.buffers = 300 + 40 * s.connections;  // hardly enough
  if (rng.below(10) == 0) s.max_connections = std::max(1U, s.connections / 2);
  if (rng.below(5) == 0) {  // a bottleneck of 64 kbit/s to 100 Mbit/s
    s.network.bits_per_second = 64'000ULL << rng.below(11);
    s.network.buffer_bytes = 8'000 + rng.below(120'000);
  }
  if (rng.below(4) == 0) {
    s.cookies = SynCookies::kAlways;
    s.traffic.replays = true;
  }
  if (more.below(4) == 0) {
    s.fastopen = s.traffic.first_bytes = true;
    s.traffic.replays = true;  // RFC 7413 2.1
  }
  return s;
}

struct Opening {
  Instant at;
  std::uint32_t id;
  int host;
  bool simultaneous;
  bool client;
};

class World {
 public:
  World(std::uint64_t seed, bool trace);
  Outcome run();

 private:
  void step(Instant now);
  bool flush(int from, Instant now);
  void check(int host);
  void deliver(Instant now);
  void end_of_story();
  [[nodiscard]] Instant next_event();

  Rng rng_;
  Scenario scenario_;
  bool trace_;
  Network network_;
  Traffic traffic_;
  std::array<std::unique_ptr<Host>, kHosts> hosts_;
  std::array<std::unique_ptr<TrafficService>, kHosts> services_;
  std::vector<Opening> openings_;  // soonest last
  Instant now_{};
  Outcome outcome_;
};

HostConfig host_config(const Scenario& scenario, int i, std::uint64_t seed) {
  HostConfig config;
  config.addresses = {i == 0 ? "10.0.0.1/24" : "10.0.0.2/24", i == 0 ? "fd00::1/64" : "fd00::2/64"};
  config.mac = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(i + 1)};
  config.mtu = scenario.mtu;
  config.buffers = scenario.buffers;
  config.seed = seed;
  config.stack.max_connections = scenario.max_connections;
  config.stack.msl_ms = scenario.msl_ms;
  config.stack.syn_cookies = scenario.cookies;
  config.stack.neighbour_sets = 4;
  config.stack.ecn = scenario.ecn;
  config.stack.fastopen = scenario.fastopen;
  return config;
}

World::World(std::uint64_t seed, bool trace)
    : rng_(seed), scenario_(draw(rng_, Rng(seed ^ 0x74137413U))), trace_(trace), network_(scenario_.network, rng_.next()),
      traffic_(scenario_.traffic, rng_.next()) {
  for (int i = 0; i < kHosts; ++i) {
    hosts_[i] = std::make_unique<Host>(host_config(scenario_, i, rng_.next()));
    services_[i] = std::make_unique<TrafficService>(traffic_, rng_.next());
    hosts_[i]->add_service(*services_[i]);
    for (const char* any : {"0.0.0.0", "::"}) {
      const Endpoint endpoint{IpAddress::parse(any).value(), TrafficService::kServerPort};
      CHECK(hosts_[i]->listen(*services_[i], endpoint, SocketOptions{.keepalive = {true, 20, 5, 4}}, 4096).ok());
    }
  }
  for (std::uint32_t id = 0; id < scenario_.connections; ++id) {
    traffic_.plan(id);
    const Instant at = Instant{} + Duration::microseconds(rng_.below(scenario_.spread_ms * 1000 + 1));
    const int host = static_cast<int>(rng_.below(2));
    const bool both = rng_.per_mille(scenario_.simultaneous);
    openings_.push_back({at, id, host, both, true});
    if (both) openings_.push_back({at + Duration::microseconds(rng_.below(1000)), id, 1 - host, true, false});
  }
  std::stable_sort(openings_.begin(), openings_.end(), [](const Opening& a, const Opening& b) { return a.at > b.at; });
  char text[320];
  std::snprintf(text, sizeof(text),
                "%u connections of <= %u bytes, %s, mtu %u, loss %u duplicate %u reorder %u corrupt %u per mille, delay %lld us, "
                "partitions every %lld ms for %lld ms, %llu bit/s, buffers %u, max_connections %u, ecn %d, "
                "marks %u per mille, fast open %d",
                scenario_.connections, scenario_.traffic.max_bytes, scenario_.v6 ? "IPv6" : "IPv4", scenario_.mtu,
                scenario_.network.loss, scenario_.network.duplicate, scenario_.network.reorder, scenario_.network.corrupt,
                static_cast<long long>(scenario_.network.delay.us()),
                static_cast<long long>(scenario_.network.partition_every.ms()),
                static_cast<long long>(scenario_.network.partition_for.ms()),
                static_cast<unsigned long long>(scenario_.network.bits_per_second), scenario_.buffers, scenario_.max_connections,
                scenario_.ecn ? 1 : 0, scenario_.network.mark, scenario_.fastopen ? 1 : 0);
  outcome_.scenario = text;
}

void print_frame(const std::vector<std::uint8_t>& bytes, int from, Instant now) {
  std::vector<std::uint8_t> copy = bytes;
  Buf buf{};
  buf.data = copy.data();
  buf.len = static_cast<std::uint32_t>(copy.size());
  wire::Packet p;
  const auto result = wire::parse_frame(buf, wire::ParseContext{}, p);
  if (result != wire::ParseError::kOk || p.kind == wire::PacketKind::kArp || p.kind == wire::PacketKind::kIcmp6) {
    std::printf("%12lld us  host %d  %zu bytes: %s\n", static_cast<long long>(now.us()), from, bytes.size(),
                wire::parse_error_name(result));
    return;
  }
  std::string flags;
  static constexpr char kNames[] = "FSRPAUEC";
  for (unsigned i = 0; i < 8; ++i) {
    if ((p.flags & (1U << i)) != 0) flags += kNames[i];
  }
  std::printf("%12lld us  host %d  %5u > %5u  %-4s seq %10u ack %10u win %5u len %4u", static_cast<long long>(now.us()), from,
              p.src_port, p.dst_port, flags.c_str(), p.seq.value(), p.ack.value(), p.window, p.payload_len);
  for (unsigned i = 0; i < p.options.n_sack; ++i) {
    std::printf(" sack %u-%u", p.options.sack[i].left.value(), p.options.sack[i].right.value());
  }
  std::printf("\n");
}

bool World::flush(int from, Instant now) {
  bool any = false;
  for (auto& frame : hosts_[from]->take_sent()) {
    any = true;
    if (trace_) print_frame(frame, from, now);
    std::uint64_t digest = outcome_.digest ^ static_cast<std::uint64_t>(now.ns);
    for (const std::uint8_t byte : frame) digest = (digest ^ byte) * 0x100000001b3ULL;
    outcome_.digest = digest;
    network_.send(1 - from, std::move(frame), now);
  }
  return any;
}

void World::check(int host) {
  ++outcome_.events;
  if (const char* broken = hosts_[host]->broken_invariant(); broken != nullptr) {
    traffic_.fail("host " + std::to_string(host) + ": broken invariant: " + broken);
  }
}

void World::deliver(Instant now) {
  const Network::Delivery delivery = network_.take();
  hosts_[delivery.to]->receive(delivery.bytes, now);
  flush(delivery.to, now);
  check(delivery.to);
}

Instant World::next_event() {
  Instant next = network_.next();
  if (!openings_.empty()) next = std::min(next, openings_.back().at);
  for (int i = 0; i < kHosts; ++i) {
    next = std::min({next, hosts_[i]->stack().next_deadline(now_), services_[i]->next_wakeup()});
  }
  return next;
}

void World::step(Instant now) {
  while (network_.next() <= now) deliver(now);
  while (!openings_.empty() && openings_.back().at <= now) {
    const Opening o = openings_.back();
    openings_.pop_back();
    const auto address = [&](int host) {
      return IpAddress::parse(scenario_.v6 ? (host == 0 ? "fd00::1" : "fd00::2") : (host == 0 ? "10.0.0.1" : "10.0.0.2"))
          .value();
    };
    hosts_[o.host]->stack().set_now(now);
    if (services_[o.host]->open(o.id, address(1 - o.host), address(o.host), o.simultaneous, o.client)) ++outcome_.connections;
    flush(o.host, now);
    check(o.host);
  }
  for (int i = 0; i < kHosts; ++i) {
    if (services_[i]->next_wakeup() <= now) {
      hosts_[i]->stack().set_now(now);
      services_[i]->wake(now);
    }
    hosts_[i]->advance(now);
    flush(i, now);
    check(i);
  }
}

void World::end_of_story() {
  traffic_.judge();
  for (const auto& [key, end] : traffic_.ends()) {
    outcome_.bytes += end.received;
    if (end.reason.value_or(Errc::kOk) != Errc::kOk) ++outcome_.reported_lost;
    if (end.opened && end.finished && !end.reason.has_value()) ++outcome_.ended_in_order;
  }
  outcome_.network = network_.counts();
  outcome_.ended = now_;
}

Outcome World::run() {
  Instant stuck_at{-1};
  unsigned stuck = 0;
  while (traffic_.failure().empty()) {
    const Instant next = next_event();
    if (next == Instant::never()) break;
    if (next > kTooLate) {
      traffic_.fail("still something to do after three hours");
      break;
    }
    now_ = std::max(now_, next);
    stuck = now_ == stuck_at ? stuck + 1 : 0;
    stuck_at = now_;
    if (stuck > 10'000) traffic_.fail("time stands still");
    step(now_);
  }
  if (traffic_.failure().empty()) {
    for (int i = 0; i < kHosts; ++i) {
      if (const char* left = hosts_[i]->leftover(); left != nullptr) {
        traffic_.fail("host " + std::to_string(i) + ": " + left + " at the end");
      }
    }
  }
  if (traffic_.failure().empty()) end_of_story();
  outcome_.failure = traffic_.failure();
  return outcome_;
}

}  // namespace

Outcome simulate(std::uint64_t seed, bool trace) { return World(seed, trace).run(); }

}  // namespace sluice::test
