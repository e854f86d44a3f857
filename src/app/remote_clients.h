// SPDX-License-Identifier: BSD-3-Clause
// The Unix socket of the remote service and its clients: lines in, lines out, in order.
// Nothing here blocks. Made on the starting thread, then shard 0's thread only.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "app/line_reader.h"
#include "app/remote_desk.h"
#include "sluice/error.h"
#include "sluice/time.h"

namespace sluice::app {

class RemoteClients {
 public:
  // Binds `path`, mode 0600. A socket that nobody listens on any more is replaced.
  static Result<std::unique_ptr<RemoteClients>> open(const std::string& path);
  // Why open() would fail, without changing anything.
  static Result<void> check(const std::string& path);
  ~RemoteClients();
  RemoteClients(const RemoteClients&) = delete;
  RemoteClients& operator=(const RemoteClients&) = delete;

  // Reads what has come, goes on with every waiting request once, writes answers. Clients
  // that have left are noticed before any request is answered.
  void poll(RemoteDesk& desk, Instant now);

 private:
  static constexpr std::size_t kClientsMax = 1024;
  static constexpr int kRequestsAPoll = 32;              // a client
  static constexpr std::size_t kReadAPoll = 1U << 20U;   // bytes, a client
  static constexpr std::size_t kOutputMax = 16U << 20U;  // bytes that a client has not read

  struct Client {
    int fd = -1;
    LineReader input{kRemoteLineMax};
    std::string output;
    std::size_t written = 0;
    std::optional<WaitingRequest> waiting;
    bool input_over = false;  // it sends no more; it may still read
    bool left = false;        // it is gone altogether
    bool paused = false;      // not read from: too much is waiting
    std::list<Client>::iterator self;
  };

  RemoteClients(std::string path, int listener, int epoll) : path_(std::move(path)), listener_(listener), epoll_(epoll) {}
  void accept_clients();
  void read(Client& client) const;
  void watch(Client& client, bool readable) const;
  static void serve(Client& client, RemoteDesk& desk, Instant now);
  static void serve_left(Client& client, RemoteDesk& desk, Instant now);
  static void write(Client& client);

  std::string path_;
  int listener_;
  int epoll_;
  std::list<Client> clients_;
};

}  // namespace sluice::app
