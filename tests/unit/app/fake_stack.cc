// SPDX-License-Identifier: BSD-3-Clause
#include "fake_stack.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/registry.h"

namespace sluice {

using stack::FakeConnection;

// --- Buffer and Connection, over the fake ---

Buffer::~Buffer() {
  if (buf_ == nullptr) return;
  --stack_->buffers_out;
  delete buf_;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(buf_, other.buf_);
  std::swap(stack_, other.stack_);
  return *this;
}

std::span<const std::byte> Buffer::bytes() const noexcept {
  return buf_ == nullptr ? std::span<const std::byte>{} : std::as_bytes(std::span(buf_->bytes));
}

namespace {

FakeConnection* live(stack::Stack* stack, std::uint32_t id) { return stack == nullptr ? nullptr : stack->live(id); }

}  // namespace

bool Connection::valid() const noexcept { return live(stack_, id_) != nullptr; }

std::size_t Connection::send(std::span<const std::byte> bytes) {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr || c->write_shut) return 0;
  const std::size_t taken = std::min(bytes.size(), c->room);
  c->sent.append(reinterpret_cast<const char*>(bytes.data()), taken);
  c->room -= taken;
  if (taken < bytes.size()) c->wants_room = true;
  return taken;
}

bool Connection::send(Buffer& buffer) {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr) return false;
  if (c->room < buffer.size()) {
    c->wants_room = true;
    return false;
  }
  send(buffer.bytes());
  const Buffer used = std::move(buffer);
  return true;
}

std::size_t Connection::send_room() const noexcept {
  const FakeConnection* c = live(stack_, id_);
  return c == nullptr ? 0 : c->room;
}

Buffer Connection::receive(std::size_t max) {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr || c->received.empty()) return {};
  auto* buf = new Buf{c->received.front().substr(0, max)};
  c->received.front().erase(0, buf->bytes.size());
  if (c->received.front().empty()) c->received.pop_front();
  ++stack_->buffers_out;
  return {buf, stack_};
}

std::size_t Connection::receive(std::span<std::byte> out, bool peek) {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr) return 0;
  const auto before = c->received;
  std::size_t done = 0;
  while (done < out.size() && !c->received.empty()) {
    const Buffer piece = receive(out.size() - done);
    std::ranges::copy(piece.bytes(), out.begin() + static_cast<std::ptrdiff_t>(done));
    done += piece.size();
  }
  if (peek) c->received = before;
  return done;
}

std::size_t Connection::readable() const noexcept {
  const FakeConnection* c = live(stack_, id_);
  return c == nullptr ? 0 : c->readable();
}

bool Connection::eof() const noexcept {
  const FakeConnection* c = live(stack_, id_);
  return c != nullptr && c->peer_fin && c->received.empty();
}

void Connection::shutdown_write() {
  if (FakeConnection* c = live(stack_, id_)) c->write_shut = true;
}
void Connection::shutdown_read() {
  if (FakeConnection* c = live(stack_, id_)) c->read_shut = true;
}
void Connection::close() {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr) return;
  c->closed_with_unread = c->readable() != 0;
  c->closed = true;
}
void Connection::abort() {
  if (FakeConnection* c = live(stack_, id_)) c->aborted = true;
}

Result<void> Connection::set(Option option, std::int64_t value) {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr) return Error{Errc::kBadHandle, ""};
  c->options[option] = value;
  return {};
}

Result<std::int64_t> Connection::get(Option option) const {
  FakeConnection* c = live(stack_, id_);
  if (c == nullptr) return Error{Errc::kBadHandle, ""};
  if (option == Option::kSndbuf) return c->sndbuf;
  return c->options[option];
}

ConnectionInfo Connection::info() const {
  const FakeConnection* c = live(stack_, id_);
  if (c == nullptr) return {};
  ConnectionInfo info = c->info;
  info.state = c->state;
  return info;
}

State Connection::state() const noexcept {
  const FakeConnection* c = live(stack_, id_);
  return c == nullptr ? State::kClosed : c->state;
}

void* Connection::context() const noexcept {
  const FakeConnection* c = live(stack_, id_);
  return c == nullptr ? nullptr : c->context;
}
void Connection::set_context(void* context) noexcept {
  if (FakeConnection* c = live(stack_, id_)) c->context = context;
}

Connection stack::Stack::open() {
  all_.push_back(std::make_unique<FakeConnection>());
  return {this, static_cast<std::uint32_t>(all_.size() - 1), 1};
}

// --- FakeShard ---

Result<ListenerId> FakeShard::listen(Service&, Endpoint local, const SocketOptions& options, std::uint32_t backlog) {
  if (local.port == 0) local.port = 40000;
  for (const auto& [id, listener] : listeners) {
    if (listener.local == local) return Error{Errc::kAddressInUse, ""};
  }
  listeners[++last_listener] = Listener{local, options, backlog, false, {}};
  return ListenerId{last_listener};
}

Result<void> FakeShard::set_listener(ListenerId listener, Option option, std::int64_t value) {
  listeners.at(listener.value).set[option] = value;
  return {};
}

Result<std::int64_t> FakeShard::get_listener(ListenerId listener, Option option) const {
  const Listener& found = listeners.at(listener.value);
  const auto set = found.set.find(option);
  return set != found.set.end() ? set->second : effective.at(option);
}

void FakeShard::transmit() {
  if (device_full) return;
  for (const auto& then : std::exchange(unsent, {})) then();
}

Result<Connection> FakeShard::connect(Service&, Endpoint remote, Endpoint from, const SocketOptions& options) {
  if (connect_error != Errc::kOk) return Error{connect_error, ""};
  connected = stack_.open();
  FakeConnection& c = stack_.at(connected);
  c.state = State::kSynSent;
  c.info.local = from;
  c.info.peer = remote;
  connect_options = options;
  return connected;
}

void FakeShard::reset_service(Service&) {
  ++resets;
  for (const auto& connection : stack_.all_) connection->aborted = true;
}

bool FakeShard::post(unsigned index, std::function<void(Shard&)> task) {
  if (mailbox_full) return false;
  posts.emplace_back(index, std::move(task));
  return true;
}

void FakeShard::deliver_posts(std::vector<FakeShard*>& shards) {
  const auto due = std::exchange(posts, {});
  for (const auto& [index, task] : due) task(*shards.at(index));
}

// --- ServiceBench ---

ServiceBench::ServiceBench(const std::string& app, AppOptions options) {
  ServiceConfig config;
  config.name = "it";
  config.app = app;
  config.options = std::move(options);
  if (app == "http") config.options.try_emplace("time", "virtual");  // the same answers every second
  const Result<ServiceFactory> factory = app::make_factory(config);
  if (!factory) {
    ADD_FAILURE() << factory.error().message;
    std::abort();
  }
  service = (*factory)(0);
  service->on_start(shard);
}

Connection ServiceBench::accept(std::size_t room) {
  const Connection connection = stack.open();
  stack.at(connection).room = room;
  service->on_accept(connection, ListenerId{1});
  return connection;
}

void ServiceBench::arrive(Connection connection, std::string_view bytes) {
  if (!connection.valid()) return;
  stack.at(connection).received.emplace_back(bytes);
  service->on_readable(connection);
}

void ServiceBench::arrive_fin(Connection connection) {
  if (!connection.valid()) return;
  stack.at(connection).peer_fin = true;
  stack.at(connection).state = State::kCloseWait;
  service->on_readable(connection);
}

void ServiceBench::acknowledge(Connection connection, std::size_t more) {
  if (!connection.valid()) return;
  FakeConnection& c = stack.at(connection);
  c.room += more;
  if (std::exchange(c.wants_room, false)) service->on_writable(connection);
}

void ServiceBench::poll_after(Duration time) {
  shard.time = shard.time + time;
  if (service->wants_poll()) service->on_poll(shard.time);
}

}  // namespace sluice
