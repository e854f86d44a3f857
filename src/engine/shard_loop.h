// SPDX-License-Identifier: BSD-3-Clause
// One shard: the run-to-completion loop of a core. Bursts from the queues it owns,
// frames and tasks from other shards, timers, services, bursts out. Everything here is
// for the shard's thread, except the snapshot and what Fabric carries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/fabric.h"
#include "engine/rss.h"
#include "engine/snapshot.h"
#include "port/port.h"
#include "stack/stack.h"

namespace sluice::engine {

// What a shard publishes: 64-bit words and nothing else.
struct ShardNumbers {
  tcp::VerdictCounts verdicts{};
  TcpStats mib;
  std::array<std::uint64_t, kStates> states{};
  std::array<std::uint64_t, stack::Stack::kNamedCounters> named{};
  std::uint64_t loops = 0, busy_loops = 0, rx_frames = 0, tx_frames = 0, buffers_in_use = 0;
};

// Where a shard meets a port.
struct Attachment {
  port::Port* port = nullptr;
  std::uint16_t queue = 0;   // this shard's queue, where it owns one
  unsigned owner = 0;        // else: the shard whose queue serves us
  bool owns = false;
  bool steer = false;        // the device does not spread as we do: we spread what it receives

  // One shard speaks for all: announces addresses, asks for routers, decides on what they advertise.
  [[nodiscard]] bool speaks() const noexcept { return owns && queue == 0; }
};

class ShardLoop final : public Shard {
 public:
  ShardLoop(unsigned index, const stack::StackConfig& config, std::vector<Attachment> attachments, BufSource& buffers,
            const FlowSteering& steering, Fabric& fabric);
  ~ShardLoop() override;

  // --- start-up, on the starting thread ---
  void add_service(std::unique_ptr<Service> service, const std::string& name);
  // Its listeners are closed.
  void remove_last_service();
  [[nodiscard]] std::size_t services() const noexcept { return services_.size(); }
  // Tells the services; every one of them has its listeners by then.
  void start(Instant now);

  // --- the loop ---
  // One turn: what its ports hold is fetched, what other shards' rings hold is counted, and then it is dealt with. `now` of
  // turn() is to be read behind fetch(), for what arrives while the thread has lost its core must not seem to have arrived
  // before: round trips would read short.
  void fetch(Instant now) noexcept;
  // True when there was something to do.
  bool turn(Instant now) noexcept;
  // Both, for drivers with a virtual clock.
  bool run_once(Instant now) noexcept {
    fetch(now);
    return turn(now);
  }
  // Begins the drain; what is left at `deadline` is reset.
  void begin_drain(Instant deadline) noexcept;
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  // Nothing is left of any connection, and every frame has left for its port.
  [[nodiscard]] bool drained() const noexcept;
  // Draining, and frames wait to leave. Those that the device does not take, as with its link down, or that other shards
  // keep sending, as in a flood, do not hold up the end for ever.
  [[nodiscard]] bool has_last_words() const noexcept;
  // When run_once() has work if nothing arrives; for drivers with a virtual clock.
  [[nodiscard]] Instant next_deadline(Instant now) const noexcept { return stack_.next_deadline(now); }
  // Frames or tasks from other shards, or frames that a port would not take yet.
  [[nodiscard]] bool has_pending() const noexcept;
  [[nodiscard]] stack::Stack& stack() noexcept { return stack_; }

  // --- any thread ---
  [[nodiscard]] ShardNumbers numbers() const noexcept { return snapshot_.read(); }
  // Of a port on which this shard speaks.
  [[nodiscard]] stack::Autoconfigured autoconfigured(std::size_t interface) const noexcept { return autoconfigured_[interface].read(); }

  // A job runs a slice each turn until it returns true. Shard thread (post it).
  using Job = std::function<bool(ShardLoop&)>;
  void add_job(Job job) { jobs_.push_back(std::move(job)); }
  void publish() noexcept;

  // --- sluice::Shard, for services ---
  [[nodiscard]] unsigned index() const noexcept override { return index_; }
  [[nodiscard]] unsigned count() const noexcept override { return fabric_.shards(); }
  [[nodiscard]] Instant now() const noexcept override { return stack_.now(); }
  Result<ListenerId> listen(Service& service, Endpoint local, const SocketOptions& options,
                            std::uint32_t backlog) override {
    return stack_.listen(service, local, options, backlog);
  }
  Result<void> set_listener(ListenerId listener, Option option, std::int64_t value) override {
    return stack_.set_listener(listener, option, value);
  }
  [[nodiscard]] Result<std::int64_t> get_listener(ListenerId listener, Option option) const override {
    return stack_.get_listener(listener, option);
  }
  [[nodiscard]] Endpoint local(ListenerId listener) const override { return stack_.local(listener); }
  void close(ListenerId listener) override { stack_.close_listener(listener); }
  void hold(ListenerId listener, bool held) override { stack_.hold_listener(listener, held); }
  Result<Connection> connect(Service& service, Endpoint remote, Endpoint from, const SocketOptions& options) override {
    return stack_.connect(service, remote, from, options);
  }
  bool post(unsigned index, Task task) override;
  void reset_service(Service& service) override { stack_.reset_service(service); }
  void when_sent(std::function<void()> then) override;

 private:
  static constexpr std::size_t kBurst = 32;
  struct Burst {
    std::array<Buf*, kBurst> frames{};
    std::size_t n = 0;
  };
  static constexpr std::uint32_t kTimerBudget = 256;
  static constexpr std::size_t kDrainsPerLoop = 256;
  static constexpr std::size_t kResetsPerLoop = 256;
  static constexpr std::int64_t kPublishNs = 1'000'000;
  static constexpr Duration kLastWords = Duration::seconds(1);  // beyond the drain's time, and in when_sent(), for what waits to leave

  void receive(std::size_t interface, Instant now) noexcept;
  void steer(std::size_t interface, std::span<Buf*> frames, Instant now) noexcept;
  stack::Stack::Destination route_reassembled(std::size_t interface, Buf* frame) noexcept;
  void copy_to_others(std::size_t interface, const Buf& buf) noexcept;
  bool from_other_shards(Instant now) noexcept;
  bool run_tasks() noexcept;
  void run_jobs() noexcept;
  void tell_autoconfigured() noexcept;
  void transmit(std::size_t interface) noexcept;
  // How many frames will have left each transmit queue when those that lie there now have.
  [[nodiscard]] std::vector<std::uint64_t> queued_marks();
  [[nodiscard]] bool passed(const std::vector<std::uint64_t>& marks) const noexcept;
  void when_relayed(unsigned from, Instant deadline, Task then);

  unsigned index_;
  std::vector<Attachment> attachments_;
  const FlowSteering& steering_;
  Fabric& fabric_;
  stack::Stack stack_;
  std::vector<std::unique_ptr<Service>> services_;
  std::vector<Burst> bursts_;               // an attachment each
  std::vector<std::size_t> handed_over_;    // frames that lay in the ring of each shard at the last fetch()
  std::vector<std::uint64_t> popped_;       // frames taken out of the ring of each shard
  std::vector<std::uint64_t> left_;         // frames that left each transmit queue
  std::array<Buf*, kBurst> mine_{};
  std::vector<Job> jobs_;
  bool draining_ = false;
  Instant drain_deadline_{};
  Instant published_{};
  std::uint64_t loops_ = 0, busy_loops_ = 0, rx_frames_ = 0, tx_frames_ = 0;
  Snapshot<ShardNumbers> snapshot_;
  std::unique_ptr<Snapshot<stack::Autoconfigured>[]> autoconfigured_;  // an attachment each
};

}  // namespace sluice::engine
