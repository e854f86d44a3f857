// SPDX-License-Identifier: BSD-3-Clause
// What a script of segments, calls and time is played against: one stack, or an engine's shards. With it the application,
// a puppet: it does only what the script says, and writes down what it is told.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/frames.h"
#include "fuzz/setup.h"
#include "sluice/listener.h"
#include "support/host.h"

namespace sluice::fuzz {

// Flows 0 to 3 are the peer's connections to us, 4 and 5 ours to it; odd ones are IPv6, and those to kSlowPort have small buffers.
inline constexpr std::size_t kPeerFlows = 4;
inline constexpr std::size_t kFlows = 6;
inline constexpr std::uint16_t kPeerPort = 4000;   // flow 0's
inline constexpr std::uint16_t kFastPort = 80;
inline constexpr std::uint16_t kSlowPort = 81;
inline constexpr std::uint16_t kOurPort = 5000;    // of our own opens
inline constexpr std::uint16_t kTheirPort = 6000;  // flow 4's
[[nodiscard]] constexpr bool flow_is_v4(std::size_t flow) noexcept { return flow % 2 == 0; }
[[nodiscard]] constexpr std::uint16_t peer_port(std::size_t flow) noexcept {
  return static_cast<std::uint16_t>(flow < kPeerFlows ? kPeerPort + flow : kTheirPort + flow - kPeerFlows);
}
[[nodiscard]] constexpr std::uint16_t our_port(std::size_t flow) noexcept {
  return flow >= kPeerFlows ? kOurPort : flow < 2 ? kFastPort : kSlowPort;
}

// What the application holds of a flow, and what it was told.
struct Held {
  Connection connection;
  SeqNum read_at, write_at;  // of the next byte to read or write: what pattern() says of it
  // Of our own opens our first sequence number, from which the place of what we send is counted: the first bytes are given to
  // connect() before it is known.
  SeqNum origin;
  std::string log;
};

class Puppet final : public Service {
 public:
  Puppet(std::array<Held, kFlows>& held, const Setup& setup) : held_(held), setup_(setup) {}
  void on_start(Shard& shard) override;
  void on_accept(Connection connection, ListenerId listener) override { begin(connection, "accepted"); (void)listener; }
  void on_connected(Connection connection) override { begin(connection, "connected"); }
  void on_readable(Connection connection) override { note(connection, "readable"); }
  void on_writable(Connection connection) override { note(connection, "writable"); }
  void on_closed(Connection connection, Errc reason) override;
  [[nodiscard]] const std::vector<ListenerId>& listeners() const noexcept { return listeners_; }
  [[nodiscard]] Shard* shard() const noexcept { return shard_; }
  // One of our own flows, on this shard.
  void connect(std::size_t flow);

 private:
  void begin(Connection connection, const char* how);
  void note(const Connection& connection, const char* what);
  [[nodiscard]] Held* held(const Connection& connection);
  std::array<Held, kFlows>& held_;
  Setup setup_;
  std::vector<ListenerId> listeners_;
  Shard* shard_ = nullptr;
};

class World {
 public:
  virtual ~World() = default;
  // A frame arrives, time comes to `now`, or calls were made; then answers are ready.
  virtual void receive(const Frame& frame, Instant now) = 0;
  virtual void advance(Instant now) = 0;
  // Before calls.
  virtual void set_now(Instant now) = 0;
  [[nodiscard]] virtual Instant next_deadline(Instant now) = 0;
  [[nodiscard]] virtual std::vector<Frame> take_sent() = 0;
  virtual void connect(std::size_t flow) = 0;
  virtual void hold_listeners(bool held) = 0;
  // Aborts if an invariant of any stack is broken or its books do not balance.
  virtual void check() = 0;
  // Ends everything; nothing may be left.
  virtual void finish(Instant now) = 0;
  [[nodiscard]] std::array<Held, kFlows>& held() noexcept { return held_; }

 protected:
  std::array<Held, kFlows> held_;
};

// One stack on one thread.
class HostWorld final : public World {
 public:
  // `slaac`: it has started, and takes prefixes and routers from advertisements.
  explicit HostWorld(const Setup& setup = {}, bool slaac = false);
  void receive(const Frame& frame, Instant now) override { host_.receive(frame, now); }
  void advance(Instant now) override;
  void set_now(Instant now) override { host_.stack().set_now(now); }
  [[nodiscard]] Instant next_deadline(Instant now) override { return host_.stack().next_deadline(now); }
  [[nodiscard]] std::vector<Frame> take_sent() override { return host_.take_sent(); }
  void connect(std::size_t flow) override { puppet_.connect(flow); }
  void hold_listeners(bool held) override;
  void check() override;
  void finish(Instant now) override;
  [[nodiscard]] test::Host& host() noexcept { return host_; }

 private:
  Puppet puppet_;
  test::Host host_;
};

// The checks of one stack, for worlds of several.
void check_stack(stack::Stack& stack);
[[nodiscard]] Endpoint endpoint(bool ours, bool v4, std::uint16_t port) noexcept;

}  // namespace sluice::fuzz
