// SPDX-License-Identifier: BSD-3-Clause
// The control socket of an instance, /run/sluice/INSTANCE.sock, from both ends.
//
// One request a connection, one line: "stats", "stats explain", "conns [FILTER...]". The
// answer is "ok", lines of JSON, "end"; or "error TEXT". A missing "end" tells the client
// that the answer was cut short.
#pragma once

#include <sched.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sluice/engine.h"
#include "sluice/error.h"
#include "sluice/stats.h"

namespace sluice::cli {

// A file descriptor that closes itself. Move-only.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int release() noexcept;
  int fd_ = -1;
};

// What the server asks of the engine, on the server's own thread.
struct ControlCallbacks {
  std::function<Stats()> stats;
  std::function<Result<void>(const Engine::Wanted&, const Engine::Take&)> connections;  // Engine::for_each_connection()
};

// The server. Owns the socket's file (mode 0600), a lock beside it that tells a live
// instance from a dead one's leavings, and after start() a thread that answers one request
// after the other; who has not sent one yet holds up nobody. The destructor stops it and
// removes the files. One thread uses it.
class ControlServer {
 public:
  // To be called before the engine binds the calling thread to a core: the thread of start() may run where the calling thread
  // may now. Takes `path` over from a dead instance. kBusy: a live one has it. A client that has not asked within `patience`, or
  // lets its answer wait for longer in all, is dropped.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> create(
      const std::string& path, std::chrono::milliseconds patience = std::chrono::seconds(5));
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  // Until here clients wait in the backlog. The thread keeps off the CPUs of `lcores`, DPDK's list of those that run loops,
  // where it has others.
  void start(ControlCallbacks callbacks, std::string_view lcores = {});
  // No callback runs after this returns. A callback that is running is waited for.
  void stop();

 private:
  // A client whose request has not arrived whole.
  struct Asking {
    OwnedFd fd;
    std::string line;
    std::chrono::steady_clock::time_point until;
  };

  explicit ControlServer(std::chrono::milliseconds patience) noexcept : patience_(patience) {}
  void serve();
  void accept_client(std::vector<Asking>& asking) const;
  // One that is being answered; the others wait meanwhile, so how long it may let us wait is limited in all.
  struct Asked {
    int fd;
    std::chrono::nanoseconds left;
  };
  void serve_client(int fd, const std::string& request) const;
  static void drop_input(int fd);
  bool wait_to_send(Asked& client) const;
  // False when nothing more is expected of the client: it was answered, has left or sends nonsense.
  bool go_on(Asking& client) const;
  bool send_all(Asked& client, const std::string& text) const;
  void answer(Asked& client, const std::string& request) const;
  void answer_connections(Asked& client, const std::vector<std::string>& filters) const;

  std::chrono::milliseconds patience_;
  std::string path_, lock_path_;
  OwnedFd lock_, listener_, wake_;
  ControlCallbacks callbacks_;
  std::optional<cpu_set_t> cpus_;
  std::thread thread_;
};

// The client: one request, its lines of JSON. Errors: kNoDevice no such instance,
// kPermission, kInvalid the server refused, kIo cut short, kTimedOut.
[[nodiscard]] Result<std::vector<std::string>> ask_instance(
    const std::string& path, const std::string& request, std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace sluice::cli
