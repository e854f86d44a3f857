// SPDX-License-Identifier: BSD-3-Clause
// echo (RFC 862): what arrives leaves again in the buffer it arrived in. When the peer
// does not read, one buffer is held and no more are taken, so that our window closes.
#include <memory>
#include <utility>

#include "app/pool.h"
#include "app/services.h"

namespace sluice::app {
namespace {

class Echo final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection connection) override {
    if (connection.context() == nullptr) pump(connection);
  }

  void on_writable(Connection connection) override {
    if (auto* held = static_cast<Held*>(connection.context())) {
      if (!flush(connection, *held)) return;
      release(connection);
    }
    pump(connection);
  }

  void on_closed(Connection connection, Errc) override { release(connection); }

 private:
  struct Held {
    Buffer buffer;
    std::size_t sent = 0;
  };

  void pump(Connection connection) {
    for (Buffer buffer = connection.receive(); !buffer.empty(); buffer = connection.receive()) {
      if (connection.send(buffer)) continue;
      Held* held = held_.take();
      held->buffer = std::move(buffer);
      connection.set_context(held);
      if (!flush(connection, *held)) return;
      release(connection);
    }
    if (connection.eof()) connection.close();
  }

  // True when nothing of the held buffer is left.
  static bool flush(Connection connection, Held& held) {
    if (held.sent == 0 && connection.send(held.buffer)) return true;
    const std::size_t size = held.buffer.size();
    if (held.sent == 0) {
      const Result<std::int64_t> sndbuf = connection.get(Option::kSndbuf);
      if (!sndbuf || static_cast<std::uint64_t>(*sndbuf) >= size) return false;
    }
    // Larger than the whole send buffer, so that it never fits in one piece.
    held.sent += connection.send(held.buffer.bytes().subspan(held.sent));
    return held.sent == size;
  }

  void release(Connection connection) {
    auto* held = static_cast<Held*>(connection.context());
    if (held == nullptr) return;
    connection.set_context(nullptr);
    held->buffer = Buffer();
    held->sent = 0;
    held_.give(held);
  }

  Pool<Held> held_;
};

}  // namespace

Result<ServiceFactory> make_echo(const ServiceConfig&) {
  return ServiceFactory([](unsigned) { return std::make_unique<Echo>(); });
}

}  // namespace sluice::app
