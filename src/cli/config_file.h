// SPDX-License-Identifier: BSD-3-Clause
// Reads a TOML configuration into sluice::Config. Everything is checked before
// anything is returned, so that a caller applies a whole configuration or none.
// Start-up only; one thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/config.h"

namespace sluice::cli {

struct LoadedConfig {
  Config config;                    // meaningful only if there are no errors
  std::vector<std::string> errors;  // FILE:LINE:COLUMN: KEY: what is wrong (the value); remedy
  // Where services' options were written, by key: "service.web.root".
  std::map<std::string, std::string> places;

  // What a service says of one of its options, "KEY: ...", with its place in front where that is known.
  [[nodiscard]] std::string placed(const std::string& message) const;
};

// `sets` are the arguments of --set, in order.
[[nodiscard]] LoadedConfig load_config(const std::string& path, std::span<const std::string> sets = {});

// The same for a text already read; `file` is how errors call it.
[[nodiscard]] LoadedConfig parse_config(std::string_view text, const std::string& file,
                                        std::span<const std::string> sets = {});

}  // namespace sluice::cli
