// SPDX-License-Identifier: BSD-3-Clause
// remote: the service that tests drive over a Unix socket. Every shard has RemoteSockets;
// the desk and its clients are on shard 0. For live engines: it polls a real socket.
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "app/options.h"
#include "app/remote_clients.h"
#include "app/remote_desk.h"
#include "app/remote_sockets.h"
#include "app/services.h"

namespace sluice::app {
namespace {

constexpr Duration kPollEvery = Duration::microseconds(50);

SocketOptions defaults_of(const ServiceConfig& config) {
  SocketOptions options;
  options.nodelay = config.nodelay;
  options.keepalive = config.keepalive;
  options.rcvbuf = config.rcvbuf;
  options.sndbuf = config.sndbuf;
  options.congestion_control = config.congestion_control;
  options.pacing = config.pacing;
  options.ttl = config.ttl;
  options.dscp = config.dscp;
  return options;
}

class Remote;

// The instances of all shards, filled in by the starting thread before any shard runs.
struct Group {
  ServiceConfig config;
  std::vector<Remote*> members;
};

class Remote final : public Service, public RemoteCourier {
 public:
  Remote(std::shared_ptr<Group> group, std::unique_ptr<RemoteClients> clients)
      : group_(std::move(group)), sockets_(*this), clients_(std::move(clients)) {}

  // --- Service ---
  void on_start(Shard& shard) override {
    shard_ = &shard;
    sockets_.start(*this, shard);
    if (clients_ == nullptr) return;
    desk_ = std::make_unique<RemoteDesk>(*this, sockets_, shard.count(), defaults_of(group_->config),
                                         group_->config.backlog);
  }
  void on_accept(Connection connection, ListenerId listener) override { sockets_.on_accept(connection, listener); }
  void on_connected(Connection connection) override { sockets_.on_connected(connection); }
  // What a request waits for is looked at when it is polled, not when it happens: then
  // whether its client is still there is known.
  void on_readable(Connection) override {}
  void on_closed(Connection connection, Errc reason) override { sockets_.on_closed(connection, reason); }

  [[nodiscard]] bool wants_poll() const override { return true; }
  void on_poll(Instant now) override {
    while (!unsent_.empty() && shard_->post(unsent_.front().shard, unsent_.front().work)) unsent_.pop_front();
    if (desk_ == nullptr || now < next_poll_) return;
    next_poll_ = now + kPollEvery;
    clients_->poll(*desk_, now);
  }

  // --- RemoteCourier ---
  void to_sockets(unsigned shard, std::function<void(RemoteSockets&)> work) override {
    Remote* member = group_->members[shard];
    if (member == this) return work(sockets_);
    send(shard, [member, work = std::move(work)](Shard&) { work(member->sockets_); });
  }
  void to_desk(std::function<void(RemoteDesk&)> work) override {
    Remote* member = group_->members[0];
    if (member == this) return work(*desk_);
    send(0, [member, work = std::move(work)](Shard&) { work(*member->desk_); });
  }

 private:
  struct Unsent {
    unsigned shard;
    std::function<void(Shard&)> work;
  };

  // In order: nothing overtakes what a full mailbox refused.
  void send(unsigned shard, std::function<void(Shard&)> work) {
    if (unsent_.empty() && shard_->post(shard, work)) return;
    unsent_.push_back({shard, std::move(work)});
  }

  std::shared_ptr<Group> group_;
  Shard* shard_ = nullptr;
  RemoteSockets sockets_;
  std::unique_ptr<RemoteClients> clients_;  // shard 0's only
  std::unique_ptr<RemoteDesk> desk_;        // shard 0's only
  std::deque<Unsent> unsent_;
  Instant next_poll_;
};

}  // namespace

Result<ServiceFactory> make_remote(const ServiceConfig& config) {
  const std::string path(text_option(config.options, "socket").value_or(""));
  if (Result<void> checked = RemoteClients::check(path); !checked) {
    return option_error(config, "socket", checked.error().message, "");
  }
  auto group = std::make_shared<Group>();
  group->config = config;
  return ServiceFactory([group, path](unsigned shard) -> std::unique_ptr<Service> {
    std::unique_ptr<RemoteClients> clients;
    if (shard == 0) {
      // Here and not before, since a configuration is also checked without being run.
      auto opened = RemoteClients::open(path);
      if (!opened) throw std::runtime_error(opened.error().message);
      clients = std::move(*opened);
    }
    auto made = std::make_unique<Remote>(group, std::move(clients));
    if (group->members.size() <= shard) group->members.resize(shard + 1);
    group->members[shard] = made.get();
    return made;
  });
}

}  // namespace sluice::app
