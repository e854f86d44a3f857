// SPDX-License-Identifier: BSD-3-Clause
// Statistics and connections as tables for people, made of the JSON that an instance
// answered. Keys that are missing show as 0 or nothing: it may be of another version.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace sluice::cli {

[[nodiscard]] std::string stats_table(const nlohmann::ordered_json& stats);
[[nodiscard]] std::string conns_table(const std::vector<nlohmann::ordered_json>& connections);

}  // namespace sluice::cli
