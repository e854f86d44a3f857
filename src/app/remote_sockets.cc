// SPDX-License-Identifier: BSD-3-Clause
#include "app/remote_sockets.h"

#include <algorithm>
#include <utility>

#include "app/remote_desk.h"

namespace sluice::app {
namespace {

constexpr std::array<Option, 15> kAllOptions = {
    Option::kNodelay, Option::kCork,   Option::kKeepalive, Option::kKeepidleS,     Option::kKeepintvlS, Option::kKeepcnt,
    Option::kMss,     Option::kRcvbuf, Option::kSndbuf,    Option::kUserTimeoutMs, Option::kLingerS,    Option::kQuickack,
    Option::kCongestion, Option::kTtl, Option::kDscp,
};

RemoteReply done(std::string text) { return {false, std::move(text)}; }
RemoteReply ok() { return done("ok"); }
RemoteReply failed(Errc error) { return done(error_text(error)); }
RemoteReply later(std::string text) { return {true, std::move(text)}; }

RemoteReply ok_bytes(std::span<const std::byte> bytes) {
  std::string text = "ok";
  if (!bytes.empty()) text += ' ';
  append_hex(text, bytes);
  return done(std::move(text));
}

bool peer_finished(State state) noexcept {
  return state == State::kCloseWait || state == State::kLastAck || state == State::kClosing || state == State::kTimeWait;
}

bool handshake_over(State state) noexcept { return state != State::kSynSent && state != State::kSynRcvd; }

}  // namespace

std::string error_text(Errc error) { return std::string("error ") + errno_name(error); }

RemoteSockets::Socket& RemoteSockets::adopt(Connection connection) {
  auto made = std::make_unique<Socket>();
  made->key = ++next_key_;
  made->connection = connection;
  Socket& socket = *made;
  sockets_.emplace(socket.key, std::move(made));
  connection.set_context(&socket);
  return socket;
}

RemoteSockets::Socket* RemoteSockets::find(SocketKey key) {
  const auto found = sockets_.find(key);
  if (found == sockets_.end()) return nullptr;
  Socket& socket = *found->second;
  if (socket.live && !socket.connection.valid()) {
    socket.live = false;
    socket.info.state = State::kClosed;
  }
  return &socket;
}

void RemoteSockets::end(Socket& socket, Errc reason) {
  socket.rest.resize(socket.connection.readable());
  socket.rest.resize(socket.connection.receive(std::span(socket.rest)));
  socket.info = socket.connection.info();
  socket.info.state = State::kClosed;
  for (const Option option : kAllOptions) {
    const Result<std::int64_t> value = socket.connection.get(option);
    socket.options[static_cast<std::size_t>(option)] = value ? *value : 0;
  }
  socket.error = reason;
  socket.live = false;
  socket.connection.set_context(nullptr);
}

Errc RemoteSockets::take_error(Socket& socket) noexcept { return std::exchange(socket.error, Errc::kOk); }

// --- callbacks ---

void RemoteSockets::on_accept(Connection connection, ListenerId listener) {
  const auto found =
      std::ranges::find_if(listeners_, [listener](const auto& entry) { return entry.second == listener; });
  // A listener of the configuration has no handle, so nobody could ever accept from it.
  if (found == listeners_.end()) return connection.abort();
  Socket& socket = adopt(connection);
  socket.established = true;
  const Endpoint peer = connection.info().peer;
  const unsigned shard = shard_->index();
  courier_->to_desk([number = found->first, shard, key = socket.key, peer](RemoteDesk& desk) {
    desk.accepted(number, {shard, key}, peer);
  });
}

void RemoteSockets::on_connected(Connection connection) {
  if (auto* socket = static_cast<Socket*>(connection.context())) socket->established = true;
}

void RemoteSockets::on_closed(Connection connection, Errc reason) {
  if (auto* socket = static_cast<Socket*>(connection.context())) end(*socket, reason);
}

// --- listeners ---

Result<Endpoint> RemoteSockets::listen(ListenerNumber number, Endpoint local, const SocketOptions& options,
                                       std::uint32_t backlog) {
  const Result<ListenerId> id = shard_->listen(*service_, local, options, backlog);
  if (!id) return id.error();
  listeners_[number] = *id;
  return shard_->local(*id);
}

RemoteReply RemoteSockets::set_listener(ListenerNumber number, const RemoteOption& option, std::int64_t value) {
  const auto found = listeners_.find(number);
  if (found == listeners_.end()) return failed(Errc::kBadHandle);
  const Result<void> set = shard_->set_listener(found->second, option.option, value);
  return set ? ok() : failed(set.error().code);
}

RemoteReply RemoteSockets::get_listener(ListenerNumber number, const RemoteOption& option) const {
  const auto found = listeners_.find(number);
  if (found == listeners_.end()) return failed(Errc::kBadHandle);
  const Result<std::int64_t> value = shard_->get_listener(found->second, option.option);
  return value ? done("ok " + format_remote_value(option, *value)) : failed(value.error().code);
}

void RemoteSockets::hold_listener(ListenerNumber number, bool held) {
  const auto found = listeners_.find(number);
  if (found != listeners_.end()) shard_->hold(found->second, held);
}

void RemoteSockets::close_listener(ListenerNumber number) {
  const auto found = listeners_.find(number);
  if (found == listeners_.end()) return;
  shard_->close(found->second);
  listeners_.erase(found);
}

// --- connections ---

Result<SocketKey> RemoteSockets::connect(const RemoteRequest& request, const SocketOptions& options) {
  const Result<Connection> connection = shard_->connect(*service_, request.endpoint, request.from, options);
  if (!connection) return connection.error();
  return adopt(*connection).key;
}

std::optional<Errc> RemoteSockets::connect_result(SocketKey key) {
  Socket* socket = find(key);
  if (socket == nullptr) return Errc::kBadHandle;
  if (socket->established) return Errc::kOk;
  if (socket->live) return std::nullopt;
  const Errc error = take_error(*socket);
  return error == Errc::kOk ? Errc::kConnectionAborted : error;
}

RemoteReply RemoteSockets::perform(const RemoteRequest& request, SocketKey key) {
  Socket* socket = find(key);
  if (socket == nullptr) return failed(Errc::kBadHandle);
  switch (request.verb) {
    case Verb::kSend: return send(*socket, request);
    case Verb::kRecv: return recv(*socket, request);
    case Verb::kPoll: return poll(*socket, request);
    case Verb::kShutdown: return shutdown(*socket, request);
    case Verb::kSet: return set(*socket, request);
    case Verb::kGet: return get(*socket, request);
    case Verb::kAbort: abort(key); return ok();
    case Verb::kClose:
      if (socket->live) {
        socket->connection.set_context(nullptr);
        socket->connection.close();
      }
      sockets_.erase(key);
      return ok();
    case Verb::kListen:
    case Verb::kAccept:
    case Verb::kConnect:
    case Verb::kReset: break;
  }
  return failed(Errc::kInvalid);
}

void RemoteSockets::abort(SocketKey key) {
  Socket* socket = find(key);
  if (socket == nullptr) return;
  if (socket->live) {
    socket->connection.set_context(nullptr);
    socket->connection.abort();
  }
  sockets_.erase(key);
}

void RemoteSockets::reset(std::function<void()> done) {
  for (const auto& [number, id] : listeners_) shard_->close(id);
  listeners_.clear();
  for (const auto& [key, socket] : sockets_) {
    if (socket->live) socket->connection.set_context(nullptr);
  }
  shard_->reset_service(*service_);
  sockets_.clear();
  shard_->when_sent(std::move(done));
}

RemoteReply RemoteSockets::send(Socket& socket, const RemoteRequest& request) {
  if (!socket.live) {
    const Errc error = take_error(socket);
    return failed(error == Errc::kOk ? Errc::kBrokenPipe : error);
  }
  if (socket.write_shut) return failed(Errc::kBrokenPipe);
  if (!handshake_over(socket.connection.state())) return failed(Errc::kAgain);
  std::size_t taken = 0;
  if (request.fill != 0) {
    const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min<std::uint64_t>(request.fill, socket.connection.send_room())));
    taken = socket.connection.send(std::span(zeros));
  } else {
    taken = socket.connection.send(std::span(request.data));
  }
  if (taken == 0 && (request.fill != 0 || !request.data.empty())) return failed(Errc::kAgain);
  return done("ok " + std::to_string(taken));
}

RemoteReply RemoteSockets::recv(Socket& socket, const RemoteRequest& request) {
  if (!socket.live) {
    std::span<const std::byte> rest = std::span(socket.rest).subspan(socket.rest_at);
    if (!rest.empty()) {
      rest = rest.first(std::min(rest.size(), request.max));
      if (!request.peek) socket.rest_at += rest.size();
      return ok_bytes(rest);
    }
    const Errc error = take_error(socket);
    return error == Errc::kOk ? done("ok eof") : failed(error);
  }
  const std::size_t readable = socket.connection.readable();
  if (readable != 0) {
    std::vector<std::byte> bytes(std::min(readable, request.max));
    bytes.resize(socket.connection.receive(std::span(bytes), request.peek));
    return ok_bytes(bytes);
  }
  if (socket.read_shut || socket.connection.eof()) return done("ok eof");
  return later(error_text(Errc::kAgain));
}

RemoteReply RemoteSockets::poll(const Socket& socket, const RemoteRequest& request) {
  bool in = true;
  bool out = true;
  bool hup = true;
  if (socket.live) {
    const State state = socket.connection.state();
    const bool read_over = socket.read_shut || peer_finished(state);
    in = read_over || socket.connection.readable() != 0;
    // As for sockets: writing that would fail at once does not wait either.
    out = handshake_over(state) && (socket.write_shut || socket.connection.send_room() != 0);
    hup = read_over && socket.write_shut;
  }
  const bool error = socket.error != Errc::kOk;
  std::string text = "ok";
  if (request.in && in) text += " in";
  if (request.out && out) text += " out";
  if (hup) text += " hup";
  if (error) text += " err";
  return text == "ok" ? later(std::move(text)) : done(std::move(text));
}

RemoteReply RemoteSockets::shutdown(Socket& socket, const RemoteRequest& request) {
  if (!socket.live) return failed(Errc::kNotConnected);
  if (request.read && !socket.read_shut) {
    socket.read_shut = true;
    socket.connection.shutdown_read();
  }
  if (request.write && !socket.write_shut) {
    socket.write_shut = true;
    socket.connection.shutdown_write();
  }
  return ok();
}

RemoteReply RemoteSockets::set(Socket& socket, const RemoteRequest& request) {
  const auto& [option, value] = request.options.front();
  if (!socket.live) {
    socket.options[static_cast<std::size_t>(option->option)] = value;
    return ok();
  }
  const Result<void> set = socket.connection.set(option->option, value);
  return set ? ok() : failed(set.error().code);
}

RemoteReply RemoteSockets::get(Socket& socket, const RemoteRequest& request) {
  if (request.name == "error") return done(std::string("ok ") + errno_name(take_error(socket)));
  if (const RemoteOption* option = find_remote_option(request.name)) {
    std::int64_t value = 0;
    if (socket.live) {
      const Result<std::int64_t> got = socket.connection.get(option->option);
      if (!got) return failed(got.error().code);
      value = *got;
    } else {
      value = socket.options[static_cast<std::size_t>(option->option)];
    }
    return done("ok " + format_remote_value(*option, value));
  }
  const auto text = format_info(socket.live ? socket.connection.info() : socket.info, request.name);
  return text ? done("ok " + *text) : failed(Errc::kNoProtocolOption);
}

}  // namespace sluice::app
