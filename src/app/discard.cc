// SPDX-License-Identifier: BSD-3-Clause
// discard (RFC 863).
#include <memory>

#include "app/drain.h"
#include "app/services.h"

namespace sluice::app {
namespace {

class Discard final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection connection) override {
    drop_received(connection);
    if (connection.eof()) connection.close();
  }
};

}  // namespace

Result<ServiceFactory> make_discard(const ServiceConfig&) {
  return ServiceFactory([](unsigned) { return std::make_unique<Discard>(); });
}

}  // namespace sluice::app
