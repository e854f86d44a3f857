// SPDX-License-Identifier: BSD-3-Clause
// One shard's sockets of the remote service: what socket calls mean on connections that
// may have ended already, with what they left behind. Every request is tried at once and
// never waits. That shard's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/remote_request.h"
#include "sluice/listener.h"

namespace sluice::app {

class RemoteDesk;
class RemoteSockets;

// Carries work between the desk, on shard 0, and the sockets of every shard. Nothing is
// lost: what a full mailbox refuses is offered again. Within shard 0 it runs at once.
class RemoteCourier {
 public:
  virtual ~RemoteCourier() = default;
  virtual void to_sockets(unsigned shard, std::function<void(RemoteSockets&)> work) = 0;
  virtual void to_desk(std::function<void(RemoteDesk&)> work) = 0;
};

// Names a connection within its shard, never used twice.
using SocketKey = std::uint64_t;

// The line to answer with, without its newline; `again`: nothing was done, a later try may
// succeed, and `text` answers when there will be none.
struct RemoteReply {
  bool again = false;
  std::string text;
  SocketKey made = 0;  // connect: the connection
};

[[nodiscard]] std::string error_text(Errc error);

// A listener's number in its handle, the same on every shard.
using ListenerNumber = std::uint64_t;

class RemoteSockets {
 public:
  explicit RemoteSockets(RemoteCourier& courier) noexcept : courier_(&courier) {}
  void start(Service& service, Shard& shard) noexcept {
    service_ = &service;
    shard_ = &shard;
  }
  [[nodiscard]] RemoteCourier& courier() noexcept { return *courier_; }

  // --- the service's callbacks ---
  void on_accept(Connection connection, ListenerId listener);
  void on_connected(Connection connection);
  void on_closed(Connection connection, Errc reason);

  // --- requests ---
  // The address that it listens on, its port chosen if that was 0.
  Result<Endpoint> listen(ListenerNumber number, Endpoint local, const SocketOptions& options, std::uint32_t backlog);
  RemoteReply set_listener(ListenerNumber number, const RemoteOption& option, std::int64_t value);
  [[nodiscard]] RemoteReply get_listener(ListenerNumber number, const RemoteOption& option) const;
  void hold_listener(ListenerNumber number, bool held);
  void close_listener(ListenerNumber number);

  Result<SocketKey> connect(const RemoteRequest& request, const SocketOptions& options);
  // Nothing: still connecting; kOk: established, once at least; else why not, which takes the error.
  std::optional<Errc> connect_result(SocketKey key);

  // send, recv, poll, shutdown, close, abort, set and get of a connection.
  RemoteReply perform(const RemoteRequest& request, SocketKey key);
  void abort(SocketKey key);
  // Listeners and connections, handles in use or not. `done` is called when the last RST has left.
  void reset(std::function<void()> done);

 private:
  struct Socket {
    SocketKey key = 0;
    Connection connection;
    bool live = true;          // the engine knows it; else what follows is all there is
    bool established = false;
    bool read_shut = false;
    bool write_shut = false;
    Errc error = Errc::kOk;    // to be told once
    std::vector<std::byte> rest;  // received before the end, from `rest_at` on not read yet
    std::size_t rest_at = 0;
    ConnectionInfo info;       // at the end
    std::array<std::int64_t, 16> options{};  // at the end, by Option
  };

  Socket& adopt(Connection connection);
  Socket* find(SocketKey key);
  static void end(Socket& socket, Errc reason);
  static Errc take_error(Socket& socket) noexcept;

  static RemoteReply recv(Socket& socket, const RemoteRequest& request);
  static RemoteReply send(Socket& socket, const RemoteRequest& request);
  static RemoteReply poll(const Socket& socket, const RemoteRequest& request);
  static RemoteReply shutdown(Socket& socket, const RemoteRequest& request);
  static RemoteReply set(Socket& socket, const RemoteRequest& request);
  static RemoteReply get(Socket& socket, const RemoteRequest& request);

  RemoteCourier* courier_;
  Service* service_ = nullptr;
  Shard* shard_ = nullptr;
  SocketKey next_key_ = 0;
  std::unordered_map<SocketKey, std::unique_ptr<Socket>> sockets_;
  std::map<ListenerNumber, ListenerId> listeners_;
};

}  // namespace sluice::app
