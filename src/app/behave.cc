// SPDX-License-Identifier: BSD-3-Clause
// behave: an application that is bad at one thing, for tests of the peer and of us.
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "app/delayed_close.h"
#include "app/drain.h"
#include "app/options.h"
#include "app/services.h"

namespace sluice::app {
namespace {

enum class Manner : std::uint8_t { kHold, kClose, kHalfClose, kAbort, kCloseUnread };

constexpr std::array<std::pair<std::string_view, Manner>, 5> kManners = {{
    {"hold", Manner::kHold},
    {"close", Manner::kClose},
    {"half-close", Manner::kHalfClose},
    {"abort", Manner::kAbort},
    {"close-unread", Manner::kCloseUnread},
}};

class Behave final : public Service {
 public:
  explicit Behave(Manner manner) : manner_(manner) {}

  void on_start(Shard& shard) override { shard_ = &shard; }

  void on_accept(Connection connection, ListenerId) override {
    switch (manner_) {
      case Manner::kHold:
      case Manner::kAbort: return;
      case Manner::kClose:
        drop_received(connection);
        connection.close();
        return;
      case Manner::kHalfClose: connection.shutdown_write(); return;
      case Manner::kCloseUnread: unread_.add(connection, shard_->now()); return;
    }
  }

  void on_readable(Connection connection) override {
    switch (manner_) {
      case Manner::kHold:
      case Manner::kClose:
      case Manner::kCloseUnread: return;
      case Manner::kHalfClose:
        drop_received(connection);
        if (connection.eof()) connection.close();
        return;
      case Manner::kAbort:
        if (connection.readable() > 0) {
          connection.abort();
        } else if (connection.eof()) {
          connection.close();
        }
        return;
    }
  }

  void on_poll(Instant now) override {
    unread_.run(now, [](Connection connection) { connection.close(); });
  }
  [[nodiscard]] bool wants_poll() const override { return manner_ == Manner::kCloseUnread; }

 private:
  Manner manner_;
  Shard* shard_ = nullptr;
  DelayedClose unread_{Duration::seconds(1)};
};

}  // namespace

Result<ServiceFactory> make_behave(const ServiceConfig& config) {
  const std::string_view does = text_option(config.options, "does").value_or("hold");
  for (const auto& [name, manner] : kManners) {
    if (name == does) return ServiceFactory([manner = manner](unsigned) { return std::make_unique<Behave>(manner); });
  }
  return option_error(config, "does", "not known (" + std::string(does) + ")", "see the reference");
}

}  // namespace sluice::app
