// SPDX-License-Identifier: BSD-3-Clause
#include "sim/traffic.h"

#include <algorithm>
#include <utility>

namespace sluice::test {

void Traffic::plan(std::uint32_t id) {
  for (const bool client : {false, true}) {
    End end;
    end.id = id;
    end.client = client;
    end.to_send = rng_.below(8) == 0 ? 0 : rng_.below(config_.max_bytes + 1);
    end.chunk = 1 + rng_.below(rng_.below(4) == 0 ? 16 : 6000);
    const std::uint32_t die = rng_.below(1000);
    if (die < config_.abort_per_mille) {
      end.ending = Ending::kAbort;
    } else if (die < config_.abort_per_mille + config_.close_at_once_per_mille) {
      end.ending = Ending::kCloseAtOnce;
    } else {
      end.ending = rng_.below(2) == 0 ? Ending::kClose : Ending::kShutdown;
    }
    if (rng_.per_mille(config_.slow_reader_per_mille)) end.read_every_us = 1000 + rng_.below(200'000);
    ends_[2 * id + (client ? 1 : 0)] = end;
  }
}

void Traffic::judge() {
  for (auto& [key, end] : ends_) {
    const End& other = ends_.at(key ^ 1U);
    const std::string who = "connection " + std::to_string(end.id) + (end.client ? " (client end)" : " (server end)");
    if ((end.tried || end.opened) && !end.finished) return fail(who + " neither ended nor was reported lost");
    if (end.received > other.sent) return fail(who + " received more than was sent");
    if (end.eof && end.received != other.sent) return fail(who + " saw the end before the last byte");
    if (end.eof && !other.opened) return fail(who + " saw the end of a stream that nobody began");
    // Whoever neither aborted nor hung up early, and was told of no loss, has read all that the peer meant to say.
    const bool told_of_loss = end.reason.value_or(Errc::kOk) != Errc::kOk;
    if (end.opened && !end.aborted && end.ending != Ending::kCloseAtOnce && !told_of_loss) {
      if (!end.eof) return fail(who + " ended in order without having seen the end");
      if (end.received != other.to_send) return fail(who + " ended in order without all the peer's bytes");
    }
  }
}

SocketOptions TrafficService::options() {
  SocketOptions options;
  // Whoever waits for a peer that is gone must find out.
  options.keepalive = {true, 20, 5, 4};
  options.nodelay = rng_.below(2) == 0;
  options.rcvbuf = rng_.below(3) == 0 ? 2048 + rng_.below(8192) : 262144;
  options.sndbuf = rng_.below(3) == 0 ? 2048 + rng_.below(8192) : 262144;
  options.quickack = rng_.below(4) != 0;
  options.congestion_control = static_cast<CongestionControl>(rng_.below(kCongestionControls));
  options.pacing = rng_.below(4) == 0;
  return options;
}

bool TrafficService::open(std::uint32_t id, const IpAddress& remote, const IpAddress& local, bool simultaneous,
                          bool client) {
  const auto port = static_cast<std::uint16_t>(kFirstPort + id);
  End& end = traffic_.end(id, client);
  SocketOptions with = options();
  std::vector<std::byte> first;
  if (traffic_.first_bytes() && !simultaneous && end.ending != Ending::kAbort) {
    first.resize(rng_.below(std::min(end.to_send, 4000U) + 1));
    for (std::uint32_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::byte>(Traffic::byte_at(id, client, i));
    with.first_bytes = first;
  }
  const auto result = shard_->connect(*this, {remote, simultaneous ? port : kServerPort}, {local, port}, with);
  if (!result) return false;
  end.tried = true;
  end.connection = *result;
  end.sent = end.connection.info().tx_queued;
  end.connection.set_context(&end);
  return true;
}

void TrafficService::begin(End& end, Connection connection) {
  end.opened = true;
  end.connection = connection;
  connection.set_context(&end);
  write_some(end);
}

void TrafficService::on_accept(Connection connection, ListenerId) {
  const std::uint16_t port = connection.info().peer.port;
  End& end = traffic_.end(port - kFirstPort, false);
  if (end.opened) {
    if (!traffic_.may_replay(end)) traffic_.fail("connection " + std::to_string(end.id) + " was accepted twice");
    return connection.abort();
  }
  begin(end, connection);
}

void TrafficService::on_connected(Connection connection) { begin(of(connection), connection); }

void TrafficService::write_some(End& end) {
  if (end.ending == Ending::kAbort && end.sent >= end.to_send / 2) {
    end.aborted = end.finished = true;
    end.connection.abort();
    return;
  }
  std::vector<std::byte> bytes;
  while (end.sent < end.to_send) {
    const std::uint32_t n = std::min(end.chunk, end.to_send - end.sent);
    bytes.resize(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      bytes[i] = static_cast<std::byte>(Traffic::byte_at(end.id, end.client, end.sent + i));
    }
    const std::size_t taken = end.connection.send(bytes);
    end.sent += static_cast<std::uint32_t>(taken);
    if (taken < n) return;  // on_writable follows
  }
  maybe_end(end);
}

void TrafficService::check_bytes(End& end, std::span<const std::byte> bytes) {
  for (const std::byte b : bytes) {
    if (static_cast<std::uint8_t>(b) != Traffic::byte_at(end.id, !end.client, end.received)) {
      traffic_.fail("connection " + std::to_string(end.id) + ": wrong byte at offset " + std::to_string(end.received) +
                    (end.client ? " (client end)" : " (server end)"));
    }
    ++end.received;
  }
}

void TrafficService::read_some(End& end) {
  std::size_t budget = end.read_every_us == 0 ? SIZE_MAX : 500;
  while (budget != 0) {
    const Buffer buffer = end.connection.receive(budget);
    if (buffer.empty()) break;
    check_bytes(end, buffer.bytes());
    budget -= buffer.size();
  }
  if (end.connection.eof()) end.eof = true;
}

void TrafficService::maybe_end(End& end) {
  if (end.finished || end.sent < end.to_send) return;
  if (end.ending == Ending::kCloseAtOnce || (end.ending == Ending::kClose && end.eof)) {
    end.shut = end.finished = true;
    end.connection.close();
    return;
  }
  if (!end.shut && (end.ending == Ending::kShutdown || !end.client)) {
    // Somebody has to begin: servers and those who half-close do.
    end.shut = true;
    end.connection.shutdown_write();
  }
  if (end.eof && end.shut) {
    end.finished = true;
    end.connection.close();
  } else if (end.eof) {
    end.shut = end.finished = true;
    end.connection.close();
  }
}

void TrafficService::on_readable(Connection connection) {
  End& end = of(connection);
  if (end.finished) return;
  if (end.read_every_us != 0) {
    if (end.next_read.ns == 0) {
      end.next_read = shard_->now() + Duration::microseconds(end.read_every_us);
      put_off_.push_back(&end);
    }
    return;
  }
  read_some(end);
  maybe_end(end);
}

Instant TrafficService::next_wakeup() const noexcept {
  Instant next = Instant::never();
  for (const End* end : put_off_) next = std::min(next, end->next_read);
  return next;
}

void TrafficService::wake(Instant now) {
  std::vector<End*> due;
  std::erase_if(put_off_, [&](End* end) {
    if (end->next_read > now) return false;
    due.push_back(end);
    return true;
  });
  for (End* end : due) {
    end->next_read = Instant{};
    if (end->finished) continue;
    read_some(*end);
    if (end->connection.readable() != 0) {
      end->next_read = now + Duration::microseconds(end->read_every_us);
      put_off_.push_back(end);
    }
    maybe_end(*end);
  }
}

void TrafficService::on_writable(Connection connection) {
  End& end = of(connection);
  if (!end.finished) write_some(end);
}

void TrafficService::on_closed(Connection connection, Errc reason) {
  End& end = of(connection);
  const std::uint32_t pause_us = std::exchange(end.read_every_us, 0);  // a slow reader too: it is now or never
  read_some(end);
  end.read_every_us = pause_us;
  end.reason = reason;
  end.finished = true;
}

}  // namespace sluice::test
