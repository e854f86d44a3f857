// SPDX-License-Identifier: BSD-3-Clause
// Connections without TCP, put in the place of the stack by the linker: tests play the
// peer and the send buffer, and see what the application did. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/listener.h"

namespace sluice {

struct Buf {
  std::string bytes;
};

namespace stack {

struct FakeConnection {
  std::deque<std::string> received;
  std::string sent;
  std::size_t room = 262144;
  std::int64_t sndbuf = 262144;
  State state = State::kEstablished;
  bool peer_fin = false;
  bool write_shut = false, read_shut = false, closed = false, aborted = false;
  bool closed_with_unread = false;  // a RST in truth
  bool wants_room = false;          // on_writable is owed
  void* context = nullptr;
  ConnectionInfo info;
  std::map<Option, std::int64_t> options;

  [[nodiscard]] std::size_t readable() const {
    std::size_t sum = 0;
    for (const std::string& piece : received) sum += piece.size();
    return sum;
  }
  [[nodiscard]] bool gone() const { return closed || aborted; }
};

class Stack {
 public:
  // The handle of a new connection; stays reachable by at() after it is gone.
  Connection open();
  FakeConnection& at(const Connection& connection) { return *all_.at(connection.id()); }
  FakeConnection* live(std::uint32_t id) {
    return id < all_.size() && !all_[id]->gone() ? all_[id].get() : nullptr;
  }
  std::vector<std::unique_ptr<FakeConnection>> all_;
  int buffers_out = 0;
};

}  // namespace stack

// A shard that keeps what services ask of it.
class FakeShard final : public Shard {
 public:
  explicit FakeShard(stack::Stack& stack, unsigned index = 0, unsigned count = 1)
      : stack_(stack), index_(index), count_(count) {}

  [[nodiscard]] unsigned index() const noexcept override { return index_; }
  [[nodiscard]] unsigned count() const noexcept override { return count_; }
  [[nodiscard]] Instant now() const noexcept override { return time; }
  Result<ListenerId> listen(Service&, Endpoint local, const SocketOptions& options, std::uint32_t backlog) override;
  Result<void> set_listener(ListenerId listener, Option option, std::int64_t value) override;
  [[nodiscard]] Result<std::int64_t> get_listener(ListenerId listener, Option option) const override;
  [[nodiscard]] Endpoint local(ListenerId listener) const override { return listeners.at(listener.value).local; }
  void close(ListenerId listener) override { listeners.erase(listener.value); }
  void hold(ListenerId listener, bool held) override { listeners.at(listener.value).held = held; }
  Result<Connection> connect(Service&, Endpoint remote, Endpoint from, const SocketOptions& options) override;
  void reset_service(Service&) override;
  void when_sent(std::function<void()> then) override { unsent.push_back(std::move(then)); }
  // The device takes every frame.
  void transmit();
  bool post(unsigned index, std::function<void(Shard&)> task) override;
  // Runs what was posted to others.
  void deliver_posts(std::vector<FakeShard*>& shards);

  struct Listener {
    Endpoint local;
    SocketOptions options;
    std::uint32_t backlog = 0;
    bool held = false;
    std::map<Option, std::int64_t> set;
  };
  Instant time{1'000'000'000};
  std::map<std::uint32_t, Listener> listeners;
  std::map<Option, std::int64_t> effective;  // of every listener, until it is set
  std::uint32_t last_listener = 0;
  Errc connect_error = Errc::kOk;
  SocketOptions connect_options;
  Connection connected;  // the last active open
  int resets = 0;
  bool mailbox_full = false;
  bool device_full = false;
  std::vector<std::function<void()>> unsent;
  std::vector<std::pair<unsigned, std::function<void(Shard&)>>> posts;

 private:
  stack::Stack& stack_;
  unsigned index_, count_;
};

// One service on one shard with one peer at a time.
class ServiceBench {
 public:
  // The test fails when the configuration is refused.
  explicit ServiceBench(const std::string& app, AppOptions options = {});
  Connection accept(std::size_t room = 262144);
  // One segment's bytes arrive.
  void arrive(Connection connection, std::string_view bytes);
  void arrive_fin(Connection connection);
  // The peer acknowledges: room for `more` bytes; tells the service if it is owed.
  void acknowledge(Connection connection, std::size_t more);
  void poll_after(Duration time);

  stack::Stack stack;
  FakeShard shard{stack};
  std::unique_ptr<Service> service;
};

}  // namespace sluice
