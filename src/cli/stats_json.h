// SPDX-License-Identifier: BSD-3-Clause
// Statistics and connections as JSON, with the keys that `stats --json` and `conns --json`
// promise. Any thread.
#pragma once

#include <nlohmann/json.hpp>

#include "sluice/engine.h"
#include "sluice/stats.h"

namespace sluice::cli {

// With `explain`, "verdict_texts" says what each verdict means, for people.
[[nodiscard]] nlohmann::ordered_json stats_json(const Stats& stats, bool explain = false);
[[nodiscard]] nlohmann::ordered_json connection_json(const ConnectionReport& report);

}  // namespace sluice::cli
