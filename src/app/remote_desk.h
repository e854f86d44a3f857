// SPDX-License-Identifier: BSD-3-Clause
// Where the remote service's handles are kept and its requests wait, on shard 0. A request
// is begun once and then stepped, once a poll, until it has its answer. Shard 0's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "app/remote_request.h"
#include "app/remote_sockets.h"
#include "sluice/config.h"
#include "sluice/time.h"

namespace sluice::app {

// Where a connection lives.
struct SocketPlace {
  unsigned shard = 0;
  SocketKey key = 0;
};

// A request under way. Give it to cancel() when nobody wants its answer any more.
struct WaitingRequest {
  std::shared_ptr<const RemoteRequest> request;
  Errc not_understood = Errc::kOk;
  Instant deadline;
  std::uint64_t ticket = 0;  // not 0: shards have been asked
  unsigned shard = 0;        // connect: that is asked, or has it
  std::uint64_t made = 0;    // the handle that listen or connect made
};

class RemoteDesk {
 public:
  // `defaults`: the service's own settings, before a request's.
  RemoteDesk(RemoteCourier& courier, RemoteSockets& local, unsigned shards, const SocketOptions& defaults,
             std::uint32_t default_backlog)
      : courier_(courier), local_(local), shards_(shards), defaults_(defaults), default_backlog_(default_backlog) {}

  [[nodiscard]] static WaitingRequest begin(std::string_view line, Instant now);
  // Goes on with the request. The answer without its newline, or nothing yet.
  std::optional<std::string> step(WaitingRequest& waiting, Instant now);
  // Nothing more is done for it; what it made stays.
  void cancel(WaitingRequest& waiting);

  // A connection waits to be accepted from listener `number`.
  void accepted(ListenerNumber number, SocketPlace place, const Endpoint& peer);
  // One shard's answer to a ticket.
  void replied(std::uint64_t ticket, unsigned shard, RemoteReply reply);

 private:
  struct Listener {
    Endpoint local;
    std::uint32_t backlog = 0;
    bool held = false;
    bool open = false;  // on every shard
    struct Queued {
      SocketPlace place;
      Endpoint peer;
    };
    std::deque<Queued> queue;
  };
  // Shards were asked; `reply` is the worst answer so far.
  struct Ticket {
    unsigned missing = 0;
    RemoteReply reply;
  };

  std::optional<std::string> step_listen(WaitingRequest& waiting);
  std::optional<std::string> step_accept(const RemoteRequest& request);
  std::optional<std::string> step_connect(WaitingRequest& waiting);
  void ask_to_connect(WaitingRequest& waiting);
  void ask_how_it_went(WaitingRequest& waiting, SocketPlace place);
  std::optional<std::string> step_reset(WaitingRequest& waiting);
  std::optional<std::string> step_listener(WaitingRequest& waiting);
  std::optional<std::string> step_socket(WaitingRequest& waiting);
  [[nodiscard]] std::optional<std::string> when_over(const WaitingRequest& waiting) const;

  [[nodiscard]] bool known(const RemoteHandle& handle) const;
  [[nodiscard]] SocketOptions options_of(const RemoteRequest& request) const;
  // Asks the shards from `first` to before `end`; each must answer.
  template <typename Ask>
  void ask(WaitingRequest& waiting, unsigned first, unsigned end, Ask work);
  std::uint64_t open_ticket(WaitingRequest& waiting, unsigned missing);
  // The merged answer when all are there; the ticket is used up then.
  std::optional<RemoteReply> answer(WaitingRequest& waiting);
  void adjust_hold(ListenerNumber number, Listener& listener);
  void close_listener(ListenerNumber number);
  [[nodiscard]] std::string get_listener(ListenerNumber number, const std::string& name) const;

  RemoteCourier& courier_;
  RemoteSockets& local_;
  unsigned shards_;
  SocketOptions defaults_;
  std::uint32_t default_backlog_;
  std::uint64_t last_socket_ = 0, last_listener_ = 0, last_ticket_ = 0;
  std::unordered_map<std::uint64_t, SocketPlace> sockets_;
  std::unordered_map<ListenerNumber, Listener> listeners_;
  std::unordered_map<std::uint64_t, Ticket> tickets_;
};

}  // namespace sluice::app
