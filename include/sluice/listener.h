// SPDX-License-Identifier: BSD-3-Clause
// A service: the application's side of listeners and connections. One instance
// lives on each shard; all its callbacks come on that shard's thread, between
// packets, never from inside each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "sluice/config.h"
#include "sluice/connection.h"
#include "sluice/error.h"
#include "sluice/time.h"

namespace sluice {

// Options in force before the first segment; connections accepted by a listener
// start with them. Each takes what option_range() says; listen() and connect() refuse others with kInvalid.
struct SocketOptions {
  bool nodelay = false;
  bool cork = false;
  bool quickack = true;               // false: acknowledgments may be delayed from the first segment on
  KeepaliveConfig keepalive;
  std::uint16_t mss = 0;              // 0: from the MTU
  std::uint32_t rcvbuf = 262144;      // bytes; 0: the configuration's ([tcp] rcvbuf)
  std::uint32_t sndbuf = 262144;      // bytes; 0: the configuration's ([tcp] sndbuf)
  std::uint32_t user_timeout_ms = 0;  // 0: R2
  // limits::kIdleTimeoutS. Not 0: on_idle() follows when nothing arrived for so long, again and again; nobody is probed,
  // whatever keepalive says, now or by an option later.
  std::uint32_t idle_timeout_s = 0;
  std::int32_t linger_s = -1;         // -1: off
  CongestionControl congestion_control = CongestionControl::kCubic;
  bool pacing = false;                // segments leave at a rate, not a window at a time
  std::optional<std::uint8_t> ttl{};    // of IPv4, hop limit of IPv6: 1 to 255; nothing: the configuration's ([tcp] ttl)
  std::optional<std::uint8_t> dscp{};   // 0 to kMaxDscp; nothing: the configuration's ([tcp] dscp)
  // For connect(), which copies as much of it as sndbuf has room for (or fails: kNoMemory), and sends it first: with the SYN itself
  // where [tcp] fastopen is on and the server gave us a cookie before (RFC 7413; it may then arrive twice).
  std::span<const std::byte> first_bytes{};
};

// Names a listener on its shard; 0 is none.
struct ListenerId {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(ListenerId, ListenerId) noexcept = default;
};

class Shard;

class Service {
 public:
  virtual ~Service() = default;

  // Before the first packet, once. Typically keeps `shard` (valid for the service's life).
  virtual void on_start(Shard& shard) { (void)shard; }
  // A handshake that a listener of this service answered is complete.
  virtual void on_accept(Connection connection, ListenerId listener) = 0;
  // An active open by this service has succeeded. (Failure: on_closed.)
  virtual void on_connected(Connection connection) { (void)connection; }
  // Bytes or the peer's FIN arrived.
  virtual void on_readable(Connection connection) = 0;
  // There is room again after a send that took less than offered.
  virtual void on_writable(Connection connection) { (void)connection; }
  // The connection ended by itself: both FINs exchanged and acknowledged (kOk), reset,
  // refused or timed out. Received bytes may still be read; after this callback the
  // handle is stale.
  virtual void on_closed(Connection connection, Errc reason) { (void)connection; (void)reason; }
  // Nothing arrived for SocketOptions::idle_timeout_s, and nothing of ours waits for an acknowledgment.
  virtual void on_idle(Connection connection) { (void)connection; }
  // Once a loop, if wants_poll(). Bounded work only.
  virtual void on_poll(Instant now) { (void)now; }
  [[nodiscard]] virtual bool wants_poll() const { return false; }
  // SIGTERM: stop producing; connections close as they finish.
  virtual void on_drain() {}
  // Then, for each connection of the service, a few every loop: one that waits for its peer may close().
  virtual void on_drain_connection(Connection connection) { (void)connection; }
};

// A shard as its services see it. Shard thread only, except post().
class Shard {
 public:
  virtual ~Shard() = default;

  [[nodiscard]] virtual unsigned index() const noexcept = 0;
  [[nodiscard]] virtual unsigned count() const noexcept = 0;
  // The instant of the current burst.
  [[nodiscard]] virtual Instant now() const noexcept = 0;

  // Listens on this shard. Errors: kInvalid (options), kAddressNotAvailable, kAddressInUse, kNoMemory.
  // Port 0 picks a free one (local() tells).
  virtual Result<ListenerId> listen(Service& service, Endpoint local, const SocketOptions& options, std::uint32_t backlog) = 0;
  virtual Result<void> set_listener(ListenerId listener, Option option, std::int64_t value) = 0;
  // What connections accepted from now on begin with; an mss of 0 is the MTU's. kBadHandle.
  [[nodiscard]] virtual Result<std::int64_t> get_listener(ListenerId listener, Option option) const = 0;
  [[nodiscard]] virtual Endpoint local(ListenerId listener) const = 0;
  // Half-open connections are dropped with a RST; established ones go on.
  virtual void close(ListenerId listener) = 0;
  // While held, SYNs and the ACKs that would complete a handshake are dropped, so that peers
  // try again later: what an application with a full accept queue wants.
  virtual void hold(ListenerId listener, bool held) = 0;

  // Sends a SYN. `from` may be any address (chosen by route) and port 0 (a free one whose
  // answers come back to this shard). To any other port they come back to one shard of count(): the others refuse it with
  // kAddressNotAvailable, so post() the open to them in turn. Errors: kInvalid (options, or nobody's address),
  // kAddressNotAvailable, kAddressInUse, kNetUnreachable, kNoMemory.
  virtual Result<Connection> connect(Service& service, Endpoint remote, Endpoint from, const SocketOptions& options) = 0;

  // Aborts and forgets every connection of the service on this shard, those whose handles
  // it closed and TIME_WAIT records too; no callback follows. Listeners stay.
  virtual void reset_service(Service& service) = 0;

  // Calls `then` on this shard's thread, in a later loop, when every frame that the stack has made so far was handed to its
  // device, also where another shard owns the device's queue; or after a second, if a device does not take them. A segment whose next
  // hop is still being asked for is no frame yet.
  virtual void when_sent(std::function<void()> then) = 0;

  // Runs `task` on shard `index`'s thread soon. Call it from this shard's thread.
  // False when the mailbox is full; nothing was posted then.
  virtual bool post(unsigned index, std::function<void(Shard&)> task) = 0;
};

// Makes one instance a shard, on the starting thread.
using ServiceFactory = std::function<std::unique_ptr<Service>(unsigned shard)>;

}  // namespace sluice
