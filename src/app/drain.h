// SPDX-License-Identifier: BSD-3-Clause
// Reading only to drop, which several apps do.
#pragma once

#include "sluice/connection.h"

namespace sluice::app {

// Gives back everything that was received, so that close() sends a FIN and no RST.
inline void drop_received(Connection& connection) {
  while (!connection.receive().empty()) {
  }
}

}  // namespace sluice::app
