// SPDX-License-Identifier: BSD-3-Clause
// Logs of the control plane, on stderr. The packet path never logs.
#pragma once

#include <string>

namespace sluice::cli {

// `level` is log.level of a configuration. Call once, before the first log line.
void start_logging(const std::string& level);

}  // namespace sluice::cli
