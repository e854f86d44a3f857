// SPDX-License-Identifier: BSD-3-Clause
// daytime (RFC 867): one line, then closes first. The wall clock is read once, at the
// start; from then on time is the shard's. With `time = "virtual"` it counts from 1970 at
// the shard's origin, so that a replay gives the same bytes each time.
#include <chrono>
#include <memory>

#include "app/daytime_text.h"
#include "app/drain.h"
#include "app/options.h"
#include "app/services.h"

namespace sluice::app {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;

class Daytime final : public Service {
 public:
  explicit Daytime(bool from_wall_clock) : from_wall_clock_(from_wall_clock) {}

  void on_start(Shard& shard) override {
    shard_ = &shard;
    if (!from_wall_clock_) return;
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    origin_ns_ = std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count() - shard.now().ns;
  }

  void on_accept(Connection connection, ListenerId) override { answer(connection); }
  // Only while the line has not been taken yet.
  void on_writable(Connection connection) override { answer(connection); }
  void on_readable(Connection connection) override { drop_received(connection); }

 private:
  void answer(Connection connection) {
    const std::int64_t second = (origin_ns_ + shard_->now().ns) / kNsPerS;
    if (second != line_second_) {
      line_second_ = second;
      line_ = daytime_line(second);
    }
    // A line fits in one buffer: nothing is taken only when none was free, and on_writable follows.
    if (connection.send(std::as_bytes(std::span(line_))) == 0) return;
    drop_received(connection);
    connection.close();
  }

  bool from_wall_clock_;
  Shard* shard_ = nullptr;
  std::int64_t origin_ns_ = 0;
  std::int64_t line_second_ = INT64_MIN;
  std::string line_;
};

}  // namespace

Result<ServiceFactory> make_daytime(const ServiceConfig& config) {
  const bool from_wall_clock = text_option(config.options, "time").value_or("wall") == "wall";
  return ServiceFactory([from_wall_clock](unsigned) { return std::make_unique<Daytime>(from_wall_clock); });
}

}  // namespace sluice::app
