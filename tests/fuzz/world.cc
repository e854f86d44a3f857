// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz/world.h"

#include "fuzz/input.h"

namespace sluice::fuzz {

namespace {
test::HostConfig host_config(const Setup& setup, bool slaac) {
  test::HostConfig config;
  config.mac = kOurMac;
  config.buffers = setup.buffers;
  config.seed = 7;
  config.slaac = config.router_advertisements = slaac;
  config.stack.max_connections = setup.few_records ? 2 : 16;
  config.stack.syn_cache = setup.few_records ? 1 : 8;
  config.stack.side_blocks = setup.few_records ? 2 : 16;
  config.stack.send_maps = setup.few_records ? 1 : 0;
  if (setup.few_records) config.stack.fastopen_pending = 1;
  config.stack.buffers = setup.buffers_told;
  config.stack.syn_cookies = setup.cookies;
  config.stack.ecn = setup.ecn;
  config.stack.fastopen = setup.fastopen;
  config.stack.msl_ms = 1000;
  config.stack.neighbour_sets = 2;
  return config;
}
}  // namespace

Endpoint endpoint(bool ours, bool v4, std::uint16_t port) noexcept {
  return {ours ? our_address(v4) : peer_address(v4), port};
}

void Puppet::on_start(Shard& shard) {
  shard_ = &shard;
  for (const std::uint16_t port : {kFastPort, kSlowPort}) {
    const SocketOptions options = setup_.listener(port == kSlowPort);
    for (const bool v4 : {true, false}) {
      const auto listener = shard.listen(*this, endpoint(true, v4, port), options, 8);
      require(listener.ok(), "cannot listen");
      listeners_.push_back(*listener);
    }
  }
}

Held* Puppet::held(const Connection& connection) {
  const std::uint16_t port = connection.info().peer.port;
  const std::size_t flow = port >= kTheirPort ? port - kTheirPort + kPeerFlows : port - kPeerPort;
  return flow < kFlows ? &held_[flow] : nullptr;
}

void Puppet::begin(Connection connection, const char* how) {
  Held* mine = held(connection);
  if (mine == nullptr) return;  // a spoilt frame's port
  const ConnectionInfo info = connection.info();
  const std::uint32_t fin = connection.state() == State::kCloseWait ? 1 : 0;
  // Of an open of ours connect() has said where it begins to write.
  if (mine->connection != connection) mine->write_at = SeqNum(info.snd_nxt);
  mine->connection = connection;
  mine->read_at = SeqNum(info.rcv_nxt - fin - info.rx_queued);
  note(connection, how);
}

void Puppet::connect(std::size_t flow) {
  const bool v4 = flow_is_v4(flow);
  std::vector<std::byte> first(setup_.first_bytes);
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = std::byte{pattern(SeqNum(1) + static_cast<std::uint32_t>(i))};
  SocketOptions options = setup_.open(v4);
  options.first_bytes = first;
  const auto opened = shard_->connect(*this, endpoint(false, v4, peer_port(flow)), endpoint(true, v4, our_port(flow)), options);
  Held& mine = held_[flow];
  mine.log.append("connect ").append(errno_name(opened.ok() ? Errc::kOk : opened.error().code)).append(" ");
  if (!opened.ok()) return;
  const ConnectionInfo info = opened->info();
  mine.connection = *opened;
  mine.origin = SeqNum(info.snd_una);
  mine.write_at = SeqNum(info.snd_una + 1 + info.tx_queued);
}

void Puppet::note(const Connection& connection, const char* what) {
  if (Held* mine = held(connection)) mine->log.append(what).append(" ");
}

void Puppet::on_closed(Connection connection, Errc reason) {
  Held* mine = held(connection);
  if (mine == nullptr) return;
  mine->log.append("closed ").append(errno_name(reason)).append(" ");
  std::array<std::byte, 256> rest{};
  while (const std::size_t n = connection.receive(rest)) {
    if (mine->connection != connection) continue;
    for (std::size_t i = 0; i < n; ++i, mine->read_at = mine->read_at + 1) {
      require(std::to_integer<std::uint8_t>(rest[i]) == pattern(mine->read_at), "a wrong byte was delivered at the end");
    }
  }
}

void check_stack(stack::Stack& stack) {
  if (const char* broken = stack.broken_invariant()) fail("a broken invariant", broken);
  std::uint64_t verdicts = 0;
  for (const std::uint64_t count : stack.verdicts()) verdicts += count;
  require(verdicts == stack.received(), "a frame has no verdict, or two");
}

HostWorld::HostWorld(const Setup& setup, bool slaac) : puppet_(held_, setup), host_(host_config(setup, slaac)) {
  host_.add_service(puppet_);
  if (slaac) host_.stack().start(Instant{}, 1);
}

void HostWorld::advance(Instant now) {
  host_.advance(now);
  // The peer never leaves, and it never has another MAC: that is another target's business.
  for (const bool v4 : {true, false}) host_.stack().learn_neighbour(0, peer_address(v4), kPeerMac, now);
}

void HostWorld::hold_listeners(bool held) {
  for (const ListenerId listener : puppet_.listeners()) host_.hold(listener, held);
}

void HostWorld::check() { check_stack(host_.stack()); }

void HostWorld::finish(Instant now) {
  host_.stack().set_now(now);
  host_.stack().abort_all();
  (void)host_.take_sent();
  // What waits for a neighbour or for more fragments is given up in time.
  for (int i = 0; i < 7; ++i) {
    now = now + Duration::seconds(10);
    host_.advance(now);
    (void)host_.take_sent();
  }
  check();
  if (const char* left = host_.leftover()) fail("at the end", left);
}

}  // namespace sluice::fuzz
