// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "script/dialogue.h"
#include "script/events.h"

namespace sluice::script {

std::size_t App::send(std::string_view text) {
  d_.touch();
  const std::size_t taken = connection_.send(std::as_bytes(std::span(text.data(), text.size())));
  d_.step();
  return taken;
}

std::size_t App::send_bytes(std::uint32_t n) {
  const std::size_t taken = send(pattern_text(sent_, n));
  sent_ += static_cast<std::uint32_t>(taken);
  return taken;
}

void App::shutdown_write() {
  d_.touch();
  connection_.shutdown_write();
  d_.step();
}

void App::shutdown_read() {
  d_.touch();
  connection_.shutdown_read();
  d_.step();
}

void App::close() {
  d_.touch();
  connection_.close();
  d_.step();
}

void App::abort() {
  d_.touch();
  connection_.abort();
  d_.step();
}

Result<void> App::set(Option option, std::int64_t value) {
  d_.touch();
  auto result = connection_.set(option, value);
  d_.step();
  return result;
}

void App::start_reading() {
  d_.touch();
  reads_ = true;
  take(SIZE_MAX);
  d_.step();
}

void App::read(std::size_t n) {
  d_.touch();
  take(n);
  d_.step();
}

void App::take(std::size_t most) {
  while (most > 0) {
    const Buffer buffer = connection_.receive(most);
    if (buffer.empty()) break;
    received_.append(reinterpret_cast<const char*>(buffer.bytes().data()), buffer.size());
    most -= buffer.size();
  }
  if (connection_.eof()) eof_ = true;
}

App* Events::of(const Connection& connection) const {
  const ConnectionInfo info = connection.info();
  Peer* peer = d_.find(info.peer, info.local);
  return peer == nullptr ? nullptr : &peer->app_;
}

void Events::on_accept(Connection connection, ListenerId) {
  App* app = of(connection);
  if (app == nullptr) return connection.abort();
  app->connection_ = connection;
  ++app->accepted_;
}

void Events::on_connected(Connection connection) {
  if (App* app = of(connection)) {
    app->connection_ = connection;
    ++app->connected_;
  }
}

void Events::on_readable(Connection connection) {
  App* app = of(connection);
  if (app == nullptr) return;
  if (app->reads_) {
    app->take(SIZE_MAX);
  } else if (connection.eof()) {
    app->eof_ = true;
  }
}

void Events::on_writable(Connection connection) {
  if (App* app = of(connection)) ++app->writable_;
}

void Events::on_closed(Connection connection, Errc reason) {
  App* app = of(connection);
  if (app == nullptr) return;
  app->connection_ = connection;
  if (app->reads_) app->take(SIZE_MAX);
  app->closed_ = reason;
}

}  // namespace sluice::script
