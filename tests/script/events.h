// SPDX-License-Identifier: BSD-3-Clause
// The one service of a dialogue: hands every callback to the App it is about.
#pragma once

#include "script/dialogue.h"

namespace sluice::script {

class Events final : public Service {
 public:
  explicit Events(Dialogue& dialogue) : d_(dialogue) {}
  void on_accept(Connection connection, ListenerId listener) override;
  void on_connected(Connection connection) override;
  void on_readable(Connection connection) override;
  void on_writable(Connection connection) override;
  void on_idle(Connection connection) override { connection.close(); }
  void on_closed(Connection connection, Errc reason) override;

 private:
  [[nodiscard]] App* of(const Connection& connection) const;
  Dialogue& d_;
};

}  // namespace sluice::script
