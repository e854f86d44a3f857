// SPDX-License-Identifier: BSD-3-Clause
// The application under attack: what it does with a connection depends on its port, and
// it opens connections itself. It holds buffers for a while, as applications do.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "sluice/listener.h"
#include "support/host.h"

namespace sluice::test {

class Victim final : public Service {
 public:
  static constexpr std::uint16_t kEcho = 7;
  static constexpr std::uint16_t kHold = 9;     // never reads
  static constexpr std::uint16_t kClose = 13;   // a few bytes, then closes first
  static constexpr std::uint16_t kNobody = 99;  // nothing listens
  static constexpr std::array<std::uint16_t, 4> kPorts = {kEcho, kHold, kClose, kNobody};

  Victim(Host& host, std::uint64_t seed) : host_(host), rng_(seed) {}

  void on_start(Shard& shard) override;
  void on_accept(Connection connection, ListenerId listener) override;
  void on_connected(Connection connection) override { on_readable(connection); }
  void on_readable(Connection connection) override;
  void on_writable(Connection connection) override { on_readable(connection); }
  void on_closed(Connection connection, Errc reason) override;

  // Something an application could do at any time.
  void stir();
  // Gives back every buffer it holds.
  void let_go() { held_.clear(); }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  Host& host_;
  Rng rng_;
  std::vector<Connection> connections_;  // stale ones among them
  std::vector<Buffer> held_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace sluice::test
