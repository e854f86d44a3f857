// SPDX-License-Identifier: BSD-3-Clause
#include "robustness/victim.h"

#include "base/check.h"
#include "robustness/attacker.h"

namespace sluice::test {

void Victim::on_start(Shard& shard) {
  for (const std::uint16_t port : {kEcho, kHold, kClose}) {
    SocketOptions options;
    options.keepalive.enabled = true;
    options.keepalive.idle_s = 60;
    options.rcvbuf = port == kHold ? 4096 : 0;
    options.sndbuf = 16384;
    for (const bool v4 : {true, false}) {
      CHECK(bool(shard.listen(*this, {Attacker::victim_address(v4), port}, options, 64)));
    }
  }
}

void Victim::on_accept(Connection connection, ListenerId) {
  connections_.push_back(connection);
  if (connection.info().local.port != kClose) return;
  const std::array<std::byte, 100> line{};
  connection.send(line);
  connection.close();
}

void Victim::on_readable(Connection connection) {
  if (connection.info().local.port == kHold) return;
  while (connection.readable() > 0) {
    Buffer buffer = connection.receive();
    bytes_read_ += buffer.size();
    if (rng_.per_mille(20)) {
      held_.push_back(std::move(buffer));
    } else if (!connection.send(buffer)) {
      break;  // dropped: the attacker does not count
    }
  }
  if (connection.eof()) connection.close();
}

void Victim::on_closed(Connection connection, Errc) {
  std::array<std::byte, 64> rest{};
  (void)connection.receive(rest);
}

void Victim::stir() {
  if (held_.size() > 32) held_.erase(held_.begin(), held_.begin() + 16);
  if (rng_.per_mille(100)) {
    const Endpoint to{Attacker::peer_address(rng_.per_mille(500), rng_.below(Attacker::kPeers)), 5000};
    if (auto opened = host_.connect(*this, to, {}, SocketOptions{}); opened) connections_.push_back(*opened);
  }
  if (connections_.empty()) return;
  const std::uint32_t index = rng_.below(static_cast<std::uint32_t>(connections_.size()));
  Connection connection = connections_[index];
  switch (rng_.below(12)) {
    case 0: connection.abort(); break;
    case 1: connection.close(); break;
    case 2: connection.shutdown_write(); break;
    case 3: (void)connection.set(Option::kRcvbuf, rng_.below(100'000)); break;
    case 4: (void)connection.set(Option::kCork, rng_.below(2)); break;
    case 5: connection.shutdown_read(); break;
    case 6: {
      const std::vector<std::byte> bulk(rng_.below(20'000));
      connection.send(bulk);
      break;
    }
    default: on_readable(connection); break;
  }
  if (!connection.valid() || connections_.size() > 512) {
    connections_[index] = connections_.back();
    connections_.pop_back();
  }
}

}  // namespace sluice::test
