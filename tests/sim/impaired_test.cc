// SPDX-License-Identifier: BSD-3-Clause
// Two engines, a cable between their ports, and around one of the ports a bad wire, both ways: each impairment alone,
// then all of them. Applications get every byte once and in order all the same, and nothing is left over.
#include "support/impair/impaired_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/group.h"
#include "port/memory_port.h"
#include "sim/traffic.h"
#include "sluice/version.h"
#include "support/host.h"

namespace sluice::test {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::uint32_t kPercent = kMillion / 100;
constexpr std::uint64_t kSeeds = 40;
constexpr std::uint32_t kConnections = 6;
constexpr Duration kOpenWithin = Duration::milliseconds(100);
constexpr Instant kTooLate{3600LL * 1000 * kMs};
constexpr unsigned kTooManyTurns = 1'000'000;

std::string host_part(unsigned number, bool v6) { return (v6 ? "fd00::" : "10.0.0.") + std::to_string(number); }

Config config_of(unsigned number) {
  Config config;
  PortConfig& port = config.ports.emplace_back();
  port.name = "front";
  port.device = "memory";
  port.addresses = {InterfaceAddress::parse(host_part(number, false) + "/24").value(),
                    InterfaceAddress::parse(host_part(number, true) + "/64").value()};
  port.dad = port.router_advertisements = false;
  config.tcp.max_connections = 64;
  config.tcp.syn_cache = 64;
  config.tcp.msl_ms = 1000;
  return config;
}

// An engine with its port, behind a wire.
struct Station {
  Station(unsigned n, const ImpairedPort::Directions& wire, Traffic& traffic, std::uint64_t seed)
      : number(n), memory(source, {.name = "memory", .mac = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(n)}, .capabilities = {}}),
        port(memory, source, wire, seed),
        group(config_of(n), {}, engine::make_keys(seed), std::vector<port::Port*>{&port}, source) {
    ServiceConfig listening;
    listening.name = "traffic";
    for (const char* any : {"0.0.0.0", "::"}) {
      listening.listen.push_back({IpAddress::parse(any).value(), TrafficService::kServerPort});
    }
    listening.keepalive = {true, 20, 5, 4};
    EXPECT_TRUE(group.add_service(listening, [&](unsigned) {
      auto owned = std::make_unique<TrafficService>(traffic, seed);
      service = owned.get();
      return owned;
    }).ok());
    group.start(Instant{});
  }
  [[nodiscard]] stack::Stack& stack() { return group.shard(0).stack(); }
  [[nodiscard]] Instant next(Instant now) { return std::min({port.next(), group.next_deadline(now), service->next_wakeup()}); }
  // What there is to do now; false when that was nothing.
  bool turn(Instant now) {
    if (service->next_wakeup() <= now) {
      stack().set_now(now);
      service->wake(now);
    }
    return group.run_all_once(now);
  }

  unsigned number;
  port::MemoryBufSource source{4096};
  port::MemoryPort memory;
  ImpairedPort port;
  TrafficService* service = nullptr;
  engine::Group group;
};

struct Opening {
  Instant at;
  std::uint32_t id;
  unsigned from;
};

class Simulation {
 public:
  Simulation(const Impairment& bad, std::uint64_t seed)
      : rng_(seed), traffic_({.max_bytes = 20'000}, rng_.next()), near_(1, {bad, bad}, traffic_, rng_.next()),
        far_(2, {}, traffic_, rng_.next()) {
    for (std::uint32_t id = 0; id < kConnections; ++id) {
      traffic_.plan(id);
      openings_.push_back({Instant{rng_.below(static_cast<std::uint32_t>(kOpenWithin.ns))}, id, rng_.below(2)});
    }
    std::ranges::sort(openings_, {}, &Opening::at);
  }

  void run() {
    std::size_t opened = 0;
    Instant now{};
    while (traffic_.failure().empty()) {
      const Instant opening = opened < kConnections ? openings_[opened].at : Instant::never();
      const Instant next = std::min({near_.next(now), far_.next(now), opening});
      if (next == Instant::never()) break;
      now = std::max(now, next);
      if (now > kTooLate) traffic_.fail("still something to do after an hour");
      for (; opened < kConnections && openings_[opened].at <= now; ++opened) open(openings_[opened], now);
      play(now);
    }
    traffic_.judge();
    EXPECT_EQ(traffic_.failure(), "");
    for (Station* station : {&near_, &far_}) check_end(*station);
  }

  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] const ImpairedPort& wire() const { return near_.port; }
  [[nodiscard]] unsigned ended_in_order() {
    return static_cast<unsigned>(std::ranges::count_if(traffic_.ends(), [](const auto& entry) {
      const End& end = entry.second;
      return end.eof && end.finished && !end.reason.has_value();
    }));
  }

 private:
  void open(const Opening& opening, Instant now) {
    Station& from = opening.from == 0 ? near_ : far_;
    Station& to = opening.from == 0 ? far_ : near_;
    const auto address = [&](const Station& station) {
      return IpAddress::parse(host_part(station.number, opening.id % 2 != 0)).value();
    };
    from.stack().set_now(now);
    EXPECT_TRUE(from.service->open(opening.id, address(to), address(from), false, true));
  }
  // Until at this instant nothing is left to do.
  void play(Instant now) {
    for (bool busy = true; busy; ++turns_) {
      busy = false;
      for (Station* station : {&near_, &far_}) {
        if (station->turn(now)) busy = true;
        if (carry(*station, station == &near_ ? far_ : near_, now)) busy = true;
        if (const char* broken = station->stack().broken_invariant()) traffic_.fail(std::string("broken invariant: ") + broken);
      }
      if (turns_ == kTooManyTurns) traffic_.fail("no end of turns");
      if (!traffic_.failure().empty()) return;
    }
  }
  // The cable.
  bool carry(Station& from, Station& to, Instant now) {
    bool any = false;
    for (auto sent = from.memory.take_sent(); sent; sent = from.memory.take_sent()) {
      any = true;
      digest_ ^= static_cast<std::uint64_t>(now.ns);
      for (const std::uint8_t byte : sent->bytes) digest_ = (digest_ ^ byte) * 0x100000001b3ULL;
      to.memory.inject(sent->bytes, now);
    }
    return any;
  }
  static void check_end(Station& station) {
    SCOPED_TRACE("station " + std::to_string(station.number));
    const char* left = leftover(station.stack());
    EXPECT_EQ(left, nullptr) << left;
    for (const Line* line : {&station.port.sent(), &station.port.received()}) {
      EXPECT_TRUE(line->balanced());
      EXPECT_EQ(line->flying(), 0U);
      EXPECT_EQ(line->counts().no_slot + line->counts().too_long, 0U) << "our own shortage";
    }
    station.group.shard(0).publish();
    const Stats stats = station.group.stats();
    std::uint64_t verdicts = 0;
    for (const VerdictCount& verdict : stats.verdicts) verdicts += verdict.frames;
    EXPECT_EQ(verdicts, stats.ports[0].rx_frames);
    EXPECT_EQ(stats.ports[0].rx_frames, station.port.received().counts().out);
    EXPECT_EQ(stats.ports[0].tx_frames, station.port.sent().counts().in);
    EXPECT_EQ(stats.ports[0].rx_no_buffer + stats.ports[0].tx_dropped, 0U);
  }

  Rng rng_;
  Traffic traffic_;
  Station near_, far_;
  std::vector<Opening> openings_;
  unsigned turns_ = 0;
  std::uint64_t digest_ = 0;
};

struct Named {
  const char* name;
  Impairment impairment;
};

constexpr Named kWires[] = {
    {"nothing", {}},
    {"delay", {.delay_ns = 20 * kMs}},
    {"jitter", {.jitter_ns = 5 * kMs}},
    {"loss", {.loss_ppm = 5 * kPercent}},
    {"duplicate", {.duplicate_ppm = 20 * kPercent}},
    {"corrupt", {.corrupt_ppm = 5 * kPercent}},
    {"reorder", {.reorder_ppm = 20 * kPercent, .reorder_by_ns = 5 * kMs}},
    {"rate", {.rate_bps = 1'000'000, .buffer_bytes = 6000}},
    {"lanes", {.rate_bps = 1'000'000, .buffer_bytes = 3000, .lanes = 3}},
    {"everything",
     {.delay_ns = 10 * kMs, .jitter_ns = 2 * kMs, .loss_ppm = 3 * kPercent, .duplicate_ppm = 5 * kPercent, .corrupt_ppm = 2 * kPercent,
      .reorder_ppm = 10 * kPercent, .reorder_by_ns = 5 * kMs, .rate_bps = 2'000'000, .buffer_bytes = 6000, .lanes = 2}},
};

class BadWire : public testing::TestWithParam<Named> {};

TEST_P(BadWire, EveryByteArrivesOnceAndInOrder) {
  const Impairment& bad = GetParam().impairment;
  LineCounts sum;
  unsigned in_order = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", sluice " + version());
    Simulation simulation(bad, seed);
    simulation.run();
    if (HasFailure()) return;
    in_order += simulation.ended_in_order();
    for (const Line* line : {&simulation.wire().sent(), &simulation.wire().received()}) {
      const LineCounts& counts = line->counts();
      sum.lost += counts.lost;
      sum.duplicated += counts.duplicated;
      sum.corrupted += counts.corrupted;
      sum.reordered += counts.reordered;
      sum.overflowed += counts.overflowed;
    }
  }
  // The wire did what it was asked for, and nothing else.
  EXPECT_EQ(sum.lost != 0, bad.loss_ppm != 0);
  EXPECT_EQ(sum.duplicated != 0, bad.duplicate_ppm != 0);
  EXPECT_EQ(sum.corrupted != 0, bad.corrupt_ppm != 0);
  EXPECT_EQ(sum.reordered != 0, bad.reorder_ppm != 0);
  EXPECT_EQ(sum.overflowed != 0, bad.rate_bps != 0);
  EXPECT_GT(in_order, kSeeds * kConnections) << "of both ends, most";
}

INSTANTIATE_TEST_SUITE_P(Each, BadWire, testing::ValuesIn(kWires), [](const auto& one) { return std::string(one.param.name); });

TEST(ImpairedEngines, TheSameSeedGivesTheSameFramesAtTheSameInstants) {
  const auto digest = [](std::uint64_t seed) {
    Simulation simulation(std::end(kWires)[-1].impairment, seed);
    simulation.run();
    return simulation.digest();
  };
  EXPECT_EQ(digest(7), digest(7));
  EXPECT_NE(digest(7), digest(8));
}

}  // namespace
}  // namespace sluice::test
