// SPDX-License-Identifier: BSD-3-Clause
// The same dialogue with an engine of one shard and one of two, over one queue: each flow hears the same, and its application
// is told the same. Frames that the wrong shard receives travel over the rings.
#include <memory>

#include "engine/group.h"
#include "fuzz/script.h"
#include "port/memory_port.h"

namespace sluice::fuzz {
namespace {

class GroupWorld final : public World {
 public:
  GroupWorld(unsigned shards, const Setup& setup) : steering_(keys_.rss, shards) {
    config_.ports.push_back({});
    config_.ports[0].name = "front";
    config_.ports[0].device = "memory";
    config_.ports[0].addresses = {InterfaceAddress::parse("10.0.0.1/24").value(), InterfaceAddress::parse("fd00::1/64").value()};
    config_.tcp.max_connections = 32;
    config_.tcp.syn_cache = 32;
    config_.tcp.msl_ms = 1000;
    config_.tcp.syn_cookies = setup.cookies;
    config_.tcp.ecn = setup.ecn;
    config_.tcp.fastopen = setup.fastopen;
    port_ = std::make_unique<port::MemoryPort>(source_, port::MemoryPortOptions{});
    engine::GroupOptions options;
    options.shards = shards;
    group_ = std::make_unique<engine::Group>(config_, options, keys_, std::vector<port::Port*>{port_.get()}, source_);
    ServiceConfig service;
    service.name = "puppet";
    require(group_->add_service(service, [this, &setup](unsigned) {
      auto puppet = std::make_unique<Puppet>(held_, setup);
      puppets_.push_back(puppet.get());
      return puppet;
    }).ok(), "cannot add the service");
    group_->start(Instant{});
  }

  void receive(const Frame& frame, Instant now) override {
    port_->inject(frame, now);
    turn(now);
  }
  void advance(Instant now) override {
    turn(now);
    for (unsigned s = 0; s < group_->shards(); ++s) {
      for (const bool v4 : {true, false}) group_->shard(s).stack().learn_neighbour(0, peer_address(v4), kPeerMac, now);
    }
  }
  void set_now(Instant now) override {
    now_ = now;
    for (unsigned s = 0; s < group_->shards(); ++s) group_->shard(s).stack().set_now(now);
  }
  [[nodiscard]] Instant next_deadline(Instant now) override { return group_->next_deadline(now); }
  [[nodiscard]] std::vector<Frame> take_sent() override {
    turn(now_);
    std::vector<Frame> out;
    while (auto sent = port_->take_sent()) out.push_back(std::move(sent->bytes));
    return out;
  }
  // On the shard on which the answers arrive: it would choose such a port itself.
  void connect(std::size_t flow) override {
    const bool v4 = flow_is_v4(flow);
    tcp::FlowId id;
    id.remote = peer_address(v4);
    id.remote_port = peer_port(flow);
    id.local_port = our_port(flow);
    const unsigned owner = steering_.shard_of(id, our_address(v4));
    for (Puppet* puppet : puppets_) {
      if (puppet->shard()->index() == owner) puppet->connect(flow);
    }
  }
  void hold_listeners(bool held) override {
    for (Puppet* puppet : puppets_) {
      for (const ListenerId listener : puppet->listeners()) puppet->shard()->hold(listener, held);
    }
  }
  void check() override {
    for (unsigned s = 0; s < group_->shards(); ++s) check_stack(group_->shard(s).stack());
  }
  void finish(Instant now) override {
    for (unsigned s = 0; s < group_->shards(); ++s) group_->shard(s).stack().abort_all();
    for (int i = 0; i < 7; ++i) {
      now = now + Duration::seconds(10);
      turn(now);
      (void)take_sent();
    }
    for (unsigned s = 0; s < group_->shards(); ++s) {
      if (const char* left = test::leftover(group_->shard(s).stack())) fail("at the end", left);
    }
  }

 private:
  // Until no shard has anything to do.
  void turn(Instant now) {
    now_ = now;
    for (unsigned turns = 0; group_->run_all_once(now) && turns < 1000; ++turns) {
    }
  }
  engine::Keys keys_ = engine::make_keys(42);
  engine::FlowSteering steering_;
  Config config_;
  port::MemoryBufSource source_{2048};
  std::unique_ptr<port::MemoryPort> port_;
  std::vector<Puppet*> puppets_;
  std::unique_ptr<engine::Group> group_;
  Instant now_{};
};

Transcript run(std::span<const std::uint8_t> bytes, unsigned shards) {
  Transcript out;
  Input input(bytes);
  ScriptOptions options;
  options.setup = read_setup(input);
  GroupWorld world(shards, options.setup);
  options.transcript = &out;
  options.opens = options.setup.chosen;  // inputs of before had none
  play(input, world, options);
  return out;
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  compare(run({data, size}, 1), run({data, size}, 2), "one shard and two do something else");
  return 0;
}
