// SPDX-License-Identifier: BSD-3-Clause
#include "app/remote_desk.h"

#include <algorithm>
#include <utility>

namespace sluice::app {
namespace {

// Half-open connections that a listener may have whatever its backlog is: backlog is about
// connections that wait to be accepted.
constexpr std::uint32_t kHalfOpenMin = 8;

std::string with_handle(std::string text, char kind, std::uint64_t number) {
  return std::move(text) + ' ' + kind + std::to_string(number);
}

}  // namespace

WaitingRequest RemoteDesk::begin(std::string_view line, Instant now) {
  auto request = std::make_shared<RemoteRequest>();
  WaitingRequest waiting;
  waiting.not_understood = parse_remote_line(line, *request);
  waiting.deadline = now + request->wait;
  waiting.request = std::move(request);
  return waiting;
}

bool RemoteDesk::known(const RemoteHandle& handle) const {
  if (handle.kind == 'L') {
    const auto found = listeners_.find(handle.number);
    return found != listeners_.end() && found->second.open;
  }
  return handle.kind == 0 || sockets_.contains(handle.number);
}

std::optional<std::string> RemoteDesk::step(WaitingRequest& waiting, Instant now) {
  const RemoteRequest& request = *waiting.request;
  if (waiting.not_understood == Errc::kInvalid) return error_text(Errc::kInvalid);
  // While shards are asked, the handle may be gone already: by close itself.
  if (waiting.ticket == 0 && !known(request.handle)) return error_text(Errc::kBadHandle);
  if (waiting.not_understood != Errc::kOk) return error_text(waiting.not_understood);

  std::optional<std::string> text;
  if (request.verb == Verb::kListen) {
    text = step_listen(waiting);
  } else if (request.verb == Verb::kConnect) {
    text = step_connect(waiting);
  } else if (request.verb == Verb::kReset) {
    text = step_reset(waiting);
  } else if (request.verb == Verb::kAccept) {
    text = step_accept(request);
  } else if (request.handle.kind == 'L') {
    text = step_listener(waiting);
  } else {
    text = step_socket(waiting);
  }
  if (text || waiting.ticket != 0 || now < waiting.deadline) return text;
  return when_over(waiting);
}

// What a request that only waits for something is answered when its time is over.
std::optional<std::string> RemoteDesk::when_over(const WaitingRequest& waiting) const {
  switch (waiting.request->verb) {
    case Verb::kConnect: return with_handle("error EINPROGRESS", 'C', waiting.made);
    case Verb::kPoll: return "ok";
    case Verb::kAccept:
    case Verb::kRecv: return error_text(Errc::kAgain);
    case Verb::kListen:
    case Verb::kSend:
    case Verb::kShutdown:
    case Verb::kClose:
    case Verb::kAbort:
    case Verb::kSet:
    case Verb::kGet:
    case Verb::kReset: break;
  }
  return std::nullopt;
}

void RemoteDesk::cancel(WaitingRequest& waiting) {
  tickets_.erase(waiting.ticket);
  const bool half_made = waiting.request->verb == Verb::kListen && waiting.ticket != 0;
  waiting.ticket = 0;
  if (half_made) close_listener(waiting.made);
}

// --- asking shards ---

std::uint64_t RemoteDesk::open_ticket(WaitingRequest& waiting, unsigned missing) {
  waiting.ticket = ++last_ticket_;
  tickets_[waiting.ticket].missing = missing;
  return waiting.ticket;
}

template <typename Ask>
void RemoteDesk::ask(WaitingRequest& waiting, unsigned first, unsigned end, Ask work) {
  const std::uint64_t ticket = open_ticket(waiting, end - first);
  for (unsigned shard = first; shard < end; ++shard) {
    courier_.to_sockets(shard, [ticket, shard, work](RemoteSockets& sockets) {
      auto reply = std::make_shared<RemoteReply>(work(sockets));
      sockets.courier().to_desk([ticket, shard, reply](RemoteDesk& desk) { desk.replied(ticket, shard, std::move(*reply)); });
    });
  }
}

void RemoteDesk::replied(std::uint64_t ticket, unsigned shard, RemoteReply reply) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) {  // cancelled: what connect made meanwhile has no handle
    if (reply.made != 0) courier_.to_sockets(shard, [key = reply.made](RemoteSockets& sockets) { sockets.abort(key); });
    return;
  }
  Ticket& asked = found->second;
  --asked.missing;
  if (asked.reply.text.empty() || reply.text != "ok") asked.reply = std::move(reply);
}

std::optional<RemoteReply> RemoteDesk::answer(WaitingRequest& waiting) {
  const auto found = tickets_.find(waiting.ticket);
  if (found == tickets_.end() || found->second.missing != 0) return std::nullopt;
  RemoteReply reply = std::move(found->second.reply);
  tickets_.erase(found);
  waiting.ticket = 0;
  return reply;
}

// --- requests ---

SocketOptions RemoteDesk::options_of(const RemoteRequest& request) const {
  SocketOptions options = defaults_;
  for (const auto& [option, value] : request.options) put_remote_option(options, *option, value);
  return options;
}

std::optional<std::string> RemoteDesk::step_listen(WaitingRequest& waiting) {
  const RemoteRequest& request = *waiting.request;
  if (waiting.made == 0) {
    const SocketOptions options = options_of(request);
    const std::uint32_t backlog = request.backlog.value_or(default_backlog_);
    const std::uint32_t half_open_max = std::max(backlog, kHalfOpenMin);
    const ListenerNumber number = last_listener_ + 1;
    // Shard 0 first: it chooses the port where none is given.
    const Result<Endpoint> local = local_.listen(number, request.endpoint, options, half_open_max);
    if (!local) return error_text(local.error().code);
    last_listener_ = number;
    waiting.made = number;
    listeners_[number] = Listener{.local = *local, .backlog = backlog, .queue = {}};
    ask(waiting, 1, shards_, [number, at = *local, options, half_open_max](RemoteSockets& sockets) {
      const Result<Endpoint> opened = sockets.listen(number, at, options, half_open_max);
      return RemoteReply{false, opened ? "ok" : error_text(opened.error().code)};
    });
  }
  const auto reply = answer(waiting);
  if (!reply) return std::nullopt;
  if (!reply->text.empty() && reply->text != "ok") {
    close_listener(waiting.made);
    return reply->text;
  }
  const auto found = listeners_.find(waiting.made);
  if (found == listeners_.end()) return error_text(Errc::kConnectionAborted);  // a reset came between
  found->second.open = true;
  return with_handle("ok", 'L', waiting.made);
}

std::optional<std::string> RemoteDesk::step_accept(const RemoteRequest& request) {
  Listener& listener = listeners_.at(request.handle.number);
  if (listener.queue.empty()) return std::nullopt;
  const Listener::Queued taken = listener.queue.front();
  listener.queue.pop_front();
  adjust_hold(request.handle.number, listener);
  sockets_[++last_socket_] = taken.place;
  return with_handle("ok", 'C', last_socket_) + ' ' + taken.peer.to_string();
}

std::optional<std::string> RemoteDesk::step_connect(WaitingRequest& waiting) {
  while (waiting.made == 0) {
    if (waiting.ticket == 0) ask_to_connect(waiting);
    const auto reply = answer(waiting);
    if (!reply) return std::nullopt;
    if (reply->made != 0) {
      waiting.made = ++last_socket_;
      sockets_[waiting.made] = {waiting.shard, reply->made};
    } else if (!reply->again || ++waiting.shard == shards_) {
      return reply->text;
    }
  }
  if (waiting.ticket == 0) {
    const auto found = sockets_.find(waiting.made);
    if (found == sockets_.end()) return error_text(Errc::kBadHandle);
    ask_how_it_went(waiting, found->second);
  }
  const auto reply = answer(waiting);
  if (!reply || reply->again) return std::nullopt;
  return with_handle(reply->text, 'C', waiting.made);
}

// The answers to a port of the client's choice come to one shard, and the others refuse it: they are tried in turn.
void RemoteDesk::ask_to_connect(WaitingRequest& waiting) {
  const auto open = [request = waiting.request, options = options_of(*waiting.request)](RemoteSockets& sockets) {
    const Result<SocketKey> key = sockets.connect(*request, options);
    if (key) return RemoteReply{false, "ok", *key};
    const bool elsewhere = key.error().code == Errc::kAddressNotAvailable && request->from.port != 0;
    return RemoteReply{elsewhere, error_text(key.error().code)};
  };
  ask(waiting, waiting.shard, waiting.shard + 1, open);
}

void RemoteDesk::ask_how_it_went(WaitingRequest& waiting, SocketPlace place) {
  ask(waiting, place.shard, place.shard + 1, [key = place.key](RemoteSockets& sockets) {
    const std::optional<Errc> result = sockets.connect_result(key);
    if (!result) return RemoteReply{true, ""};
    return RemoteReply{false, *result == Errc::kOk ? "ok" : error_text(*result)};
  });
}

std::optional<std::string> RemoteDesk::step_reset(WaitingRequest& waiting) {
  if (waiting.ticket == 0) {
    sockets_.clear();
    listeners_.clear();
    const std::uint64_t ticket = open_ticket(waiting, shards_);
    for (unsigned shard = 0; shard < shards_; ++shard) {
      courier_.to_sockets(shard, [ticket, shard](RemoteSockets& sockets) {
        sockets.reset([ticket, shard, &sockets] {
          sockets.courier().to_desk([ticket, shard](RemoteDesk& desk) { desk.replied(ticket, shard, {false, "ok"}); });
        });
      });
    }
  }
  const auto reply = answer(waiting);
  return reply ? std::optional(reply->text) : std::nullopt;
}

std::optional<std::string> RemoteDesk::step_listener(WaitingRequest& waiting) {
  const RemoteRequest& request = *waiting.request;
  const ListenerNumber number = request.handle.number;
  if (waiting.ticket != 0) {
    const auto reply = answer(waiting);
    return reply ? std::optional(reply->text) : std::nullopt;
  }
  Listener& listener = listeners_.at(number);
  if (request.verb == Verb::kPoll) {
    return request.in && !listener.queue.empty() ? std::optional<std::string>("ok in") : std::nullopt;
  }
  if (request.verb == Verb::kGet) return get_listener(number, request.name);
  if (request.verb == Verb::kClose) {
    close_listener(number);
    return "ok";
  }
  // set, the only one that is left
  const auto& [option, value] = request.options.front();
  ask(waiting, 0, shards_, [number, option = option, value = value](RemoteSockets& sockets) {
    return sockets.set_listener(number, *option, value);
  });
  return step_listener(waiting);
}

std::optional<std::string> RemoteDesk::step_socket(WaitingRequest& waiting) {
  const RemoteRequest& request = *waiting.request;
  if (waiting.ticket == 0) {
    const SocketPlace place = sockets_.at(request.handle.number);
    if (request.verb == Verb::kClose || request.verb == Verb::kAbort) sockets_.erase(request.handle.number);
    ask(waiting, place.shard, place.shard + 1, [request = waiting.request, key = place.key](RemoteSockets& sockets) {
      return sockets.perform(*request, key);
    });
  }
  auto reply = answer(waiting);
  if (!reply || reply->again) return std::nullopt;
  return std::move(reply->text);
}

std::string RemoteDesk::get_listener(ListenerNumber number, const std::string& name) const {
  if (name == "error") return "ok 0";
  // Every shard has the same; ours is at hand.
  if (const RemoteOption* option = find_remote_option(name)) return local_.get_listener(number, *option).text;
  ConnectionInfo info;
  info.local = listeners_.at(number).local;
  info.peer.address = info.local.address.is_v4() ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
  info.state = State::kListen;
  const auto text = format_info(info, name);
  return text ? "ok " + *text : error_text(Errc::kNoProtocolOption);
}

// --- listeners ---

void RemoteDesk::accepted(ListenerNumber number, SocketPlace place, const Endpoint& peer) {
  const auto found = listeners_.find(number);
  if (found == listeners_.end()) {
    // Closed while the news was on its way.
    courier_.to_sockets(place.shard, [key = place.key](RemoteSockets& sockets) { sockets.abort(key); });
    return;
  }
  found->second.queue.push_back({place, peer});
  adjust_hold(number, found->second);
}

// As with sockets, a backlog of N lets N + 1 connections wait; peers that come then are not
// answered, and try again.
void RemoteDesk::adjust_hold(ListenerNumber number, Listener& listener) {
  const bool full = listener.queue.size() > listener.backlog;
  if (full == listener.held) return;
  listener.held = full;
  for (unsigned shard = 0; shard < shards_; ++shard) {
    courier_.to_sockets(shard, [number, full](RemoteSockets& sockets) { sockets.hold_listener(number, full); });
  }
}

// As close(2) of a listening socket: what waited to be accepted gets a RST.
void RemoteDesk::close_listener(ListenerNumber number) {
  const auto found = listeners_.find(number);
  if (found == listeners_.end()) return;
  for (const Listener::Queued& queued : found->second.queue) {
    courier_.to_sockets(queued.place.shard, [key = queued.place.key](RemoteSockets& sockets) { sockets.abort(key); });
  }
  listeners_.erase(found);
  for (unsigned shard = 0; shard < shards_; ++shard) {
    courier_.to_sockets(shard, [number](RemoteSockets& sockets) { sockets.close_listener(number); });
  }
}

}  // namespace sluice::app
