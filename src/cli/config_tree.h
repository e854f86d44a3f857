// SPDX-License-Identifier: BSD-3-Clause
// The configuration as a TOML tree: the file parsed, the --set overrides laid over it.
// Nodes remember where they came from. Nothing here knows what the keys mean.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/report.h"

namespace sluice::cli {

// "section.key=value" in its two halves; without '=' the value is missing.
struct SetOption {
  std::string path;
  std::optional<std::string> value;
};
[[nodiscard]] SetOption split_set(std::string_view text);

// Parses `text`; a syntax error goes to `report` and leaves nothing.
[[nodiscard]] std::optional<toml::table> parse_tree(std::string_view text, Report& report);

// Lays --set number `number` over `tree`. Elements of [[port]] and [[service]] are
// addressed by name. What cannot be addressed goes to `report`.
void apply_set(toml::table& tree, const SetOption& option, unsigned number, Report& report);

// Where `node` was written.
[[nodiscard]] Place place_of(const toml::node& node);

// The value as a person would recognise it: "the string abc", "1500", "a list", "a table".
[[nodiscard]] std::string shown(const toml::node& node);

}  // namespace sluice::cli
