// SPDX-License-Identifier: BSD-3-Clause
// chargen (RFC 864): sends until the peer closes, or until `bytes` are sent and then
// closes first. How many bytes a connection has been sent is kept in its context
// pointer itself.
#include <algorithm>
#include <bit>
#include <memory>

#include "app/chargen_pattern.h"
#include "app/drain.h"
#include "app/options.h"
#include "app/services.h"

namespace sluice::app {
namespace {

class Chargen final : public Service {
 public:
  explicit Chargen(std::uint64_t bytes) : bytes_(bytes) {}

  void on_accept(Connection connection, ListenerId) override { fill(connection); }
  void on_readable(Connection connection) override {
    drop_received(connection);
    if (connection.eof()) connection.close();
  }
  void on_writable(Connection connection) override { fill(connection); }

 private:
  static_assert(sizeof(void*) == sizeof(std::uint64_t));

  void fill(Connection connection) const {
    auto sent = std::bit_cast<std::uint64_t>(connection.context());
    while (sent < bytes_) {
      std::span<const std::byte> piece = chargen_text(sent);
      piece = piece.first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), bytes_ - sent)));
      const std::size_t taken = connection.send(piece);
      sent += taken;
      if (taken < piece.size()) break;
    }
    connection.set_context(std::bit_cast<void*>(sent));
    if (sent < bytes_) return;
    drop_received(connection);
    connection.close();
  }

  std::uint64_t bytes_;
};

}  // namespace

Result<ServiceFactory> make_chargen(const ServiceConfig& config) {
  const std::uint64_t bytes = number_option(config.options, "bytes").value_or(UINT64_MAX);
  return ServiceFactory([bytes](unsigned) { return std::make_unique<Chargen>(bytes); });
}

}  // namespace sluice::app
