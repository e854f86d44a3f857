// SPDX-License-Identifier: BSD-3-Clause
// All shards of an engine with what they share: built from a configuration and ports
// that are up already, driven by lcores, by a capture's clock or by a test.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/fabric.h"
#include "engine/rss.h"
#include "engine/shard_loop.h"
#include "port/port.h"
#include "sluice/engine.h"

namespace sluice::engine {

struct GroupOptions {
  unsigned shards = 1;
  bool learn_next_hops = false;  // replay: answers go where questions came from
  bool prefault = false;
  stack::Recorded recorded;      // replay: numbers of a recorded server
  std::size_t buffers = 0;       // in all; 0: nobody knows
};

// Secrets of one start: from the kernel's entropy, or all from a seed.
struct Keys {
  tcp::Secrets tcp;
  SipKey table;
  SipKey addresses;  // of autoconfigured ones; who wants those to last replaces it
  port::RssKey rss{};
  std::uint64_t chance = 1;
};
[[nodiscard]] Keys make_keys(std::uint64_t seed);

class Group {
 public:
  // `ports` in the order of config.ports; `buffers` serves all shards. Both outlive the group.
  Group(const Config& config, const GroupOptions& options, const Keys& keys, const std::vector<port::Port*>& ports,
        BufSource& buffers);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Before start(): on every shard an instance that listens at all of the service's endpoints; after an error, on none.
  Result<void> add_service(const ServiceConfig& config, const ServiceFactory& factory);
  void start(Instant now);

  [[nodiscard]] unsigned shards() const noexcept { return static_cast<unsigned>(loops_.size()); }
  [[nodiscard]] ShardLoop& shard(unsigned index) noexcept { return *loops_[index]; }

  // One shard's loop on its own thread until the drain has ended on all. `clock` is read once a turn.
  void run(unsigned index, const std::function<Instant()>& clock) noexcept;
  // Async-signal-safe.
  void stop() noexcept { stopping_.store(true, std::memory_order_relaxed); }

  // Every shard once, in order, on this thread; true when any had something to do.
  bool run_all_once(Instant now) noexcept;
  [[nodiscard]] Instant next_deadline(Instant now) const noexcept;

  // Any thread.
  [[nodiscard]] Stats stats() const;
  // Any thread but a shard's, while run() runs on every shard. kTimedOut when one has not answered in time,
  // kNoDevice when the drain has ended on all.
  [[nodiscard]] Result<std::vector<ConnectionReport>> connections(std::chrono::milliseconds patience = kPatience);
  // The same; `patience` is with shards that do not go on, not with `take`. See Engine.
  [[nodiscard]] Result<void> for_each_connection(const Engine::Wanted& wanted, const Engine::Take& take,
                                                 std::chrono::milliseconds patience = kPatience);

  [[nodiscard]] static stack::StackConfig stack_config(const Config& config, const GroupOptions& options);

 private:
  static constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(5);

  void attach(const std::vector<port::Port*>& ports);

  std::uint32_t drain_s_;
  std::vector<std::string> devices_;
  std::vector<port::Port*> ports_;
  FlowSteering steering_;
  Fabric fabric_;
  std::vector<std::vector<Attachment>> attachments_;  // by shard, then port
  std::vector<unsigned> speakers_;                    // by port: the shard that speaks there
  std::vector<std::unique_ptr<ShardLoop>> loops_;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> drained_{0};
  std::mutex control_;  // one control-plane producer at a time
};

}  // namespace sluice::engine
