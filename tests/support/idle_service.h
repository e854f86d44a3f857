// SPDX-License-Identifier: BSD-3-Clause
// A service that takes what comes and does nothing with it.
#pragma once

#include "sluice/listener.h"

namespace sluice::test {

class IdleService final : public Service {
 public:
  void on_accept(Connection, ListenerId) override {}
  void on_readable(Connection) override {}
};

}  // namespace sluice::test
