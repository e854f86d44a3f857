// SPDX-License-Identifier: BSD-3-Clause
// The applications of a simulation: each end of each connection sends a number of bytes
// that only its ports and direction determine, reads at its own pace, and ends in
// one of several ways. What arrives is checked byte by byte as it is read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "sluice/listener.h"

namespace sluice::test {

enum class Ending : std::uint8_t {
  kClose,         // close once everything is sent, and the peer's FIN was seen
  kShutdown,      // half-close once everything is sent, close after the peer's FIN
  kCloseAtOnce,   // close once everything is sent, whatever the peer still sends (may reset)
  kAbort,         // RST somewhere in the middle
};

// One end of one connection, before and after it exists.
struct End {
  std::uint32_t id = 0;            // of the connection: both ends have the same
  bool client = false;
  std::uint32_t to_send = 0;       // bytes in all
  std::uint32_t sent = 0;          // taken by TCP
  std::uint32_t received = 0;      // read and found right
  Ending ending = Ending::kClose;
  std::uint32_t chunk = 1024;      // bytes offered at a time
  std::uint32_t read_every_us = 0; // 0: as it arrives
  bool tried = false;              // an active open of ours is under way, or was
  bool opened = false;             // the application knows the connection
  bool eof = false;
  bool finished = false;           // closed or aborted by us, or told of the end
  bool aborted = false;            // by us
  bool shut = false;
  std::optional<Errc> reason;      // on_closed's
  Connection connection;
  Instant next_read{};
};

struct TrafficConfig {
  std::uint32_t max_bytes = 20000;
  std::uint32_t abort_per_mille = 50;
  std::uint32_t close_at_once_per_mille = 50;
  std::uint32_t slow_reader_per_mille = 100;
  bool first_bytes = false;  // clients have something to say with their SYN
  // A late first segment may open a connection again that has ended: so are SYN cookies (ADR-0009) and Fast Open (ADR-0010).
  bool replays = false;
};

// All connections of a simulation, by id; the two hosts' services share it.
class Traffic {
 public:
  Traffic(const TrafficConfig& config, std::uint64_t seed) : config_(config), rng_(seed) {}

  // A plan for connection `id`; both ends' behaviour is drawn.
  void plan(std::uint32_t id);
  [[nodiscard]] End& end(std::uint32_t id, bool client) { return ends_.at(2 * id + (client ? 1 : 0)); }
  [[nodiscard]] std::map<std::uint32_t, End>& ends() noexcept { return ends_; }
  // Byte `offset` of what an end sends.
  [[nodiscard]] static std::uint8_t byte_at(std::uint32_t id, bool from_client, std::uint32_t offset) noexcept {
    std::uint32_t x = (id * 2 + (from_client ? 1U : 0U)) * 0x9e3779b1U + offset * 0x85ebca6bU;
    x ^= x >> 15U;
    return static_cast<std::uint8_t>((x * 0xc2b2ae35U) >> 24U);
  }
  // The first thing that went wrong; empty while nothing did.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  void fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
  }
  [[nodiscard]] bool first_bytes() const noexcept { return config_.first_bytes; }
  [[nodiscard]] bool may_replay(const End& end) const noexcept { return config_.replays && end.finished; }
  // After both ends have ended: were they told the truth?
  void judge();

 private:
  TrafficConfig config_;
  Rng rng_;
  std::map<std::uint32_t, End> ends_;
  std::string failure_;
};

// The service of one host. Ids are carried by ports: a client's port is kFirstPort + id, and an end that
// opens simultaneously uses it on both sides.
class TrafficService final : public Service {
 public:
  static constexpr std::uint16_t kServerPort = 80;
  static constexpr std::uint16_t kFirstPort = 10000;

  TrafficService(Traffic& traffic, std::uint64_t seed) : traffic_(traffic), rng_(seed) {}

  // False when the connection could not be opened (a port still in TIME_WAIT, say): it counts as ended.
  bool open(std::uint32_t id, const IpAddress& remote, const IpAddress& local, bool simultaneous, bool client);
  // Reads that were put off. The shard's clock is at `now` by then.
  [[nodiscard]] Instant next_wakeup() const noexcept;
  void wake(Instant now);

  void on_start(Shard& shard) override { shard_ = &shard; }
  void on_accept(Connection connection, ListenerId listener) override;
  void on_connected(Connection connection) override;
  void on_readable(Connection connection) override;
  void on_writable(Connection connection) override;
  void on_closed(Connection connection, Errc reason) override;

 private:
  [[nodiscard]] static End& of(const Connection& connection) { return *static_cast<End*>(connection.context()); }
  void begin(End& end, Connection connection);
  void write_some(End& end);
  void read_some(End& end);
  void check_bytes(End& end, std::span<const std::byte> bytes);
  void maybe_end(End& end);
  SocketOptions options();

  Traffic& traffic_;
  Shard* shard_ = nullptr;
  Rng rng_;
  std::vector<End*> put_off_;
};

}  // namespace sluice::test
